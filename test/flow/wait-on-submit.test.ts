// POST /v1/inferences?wait=…: the result in the answer that accepts it.

import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { type Answer, echo, json, type OpenAiUpstream, openOpenAiUpstream } from '../support/openai-upstream.ts';
import { describeFlow } from './with-defter.ts';

interface Inference {
  readonly id: string;
  readonly status: string;
  readonly output: unknown;
  readonly error: { readonly code: string } | null;
}

describeFlow(
  'a submission that waits',
  (flow) => {
    let upstream: OpenAiUpstream;
    let release: () => void = () => undefined;

    before(async () => {
      upstream = await openOpenAiUpstream();
      const body = { runtime: 'openai', source: upstream.url };
      expect((await flow().api('PUT', '/v1/models/held', { body })).status).to.equal(201);
    });
    beforeEach(() => {
      const held = Promise.withResolvers<void>();
      release = held.resolve;
      // Answers once it is let go.
      const whenReleased: Answer = (request, response) => void held.promise.then(() => echo(request, response));
      upstream.answer(whenReleased);
    });
    after(() => upstream.close());

    const held = { model: 'held', input: 'hello' };
    const submit = (query: string, body: object = held, headers: Record<string, string> = {}) =>
      flow().api<Inference>('POST', `/v1/inferences${query}`, { body, headers });
    const read = (id: string, query = '') => flow().api<Inference>('GET', `/v1/inferences/${id}${query}`);

    it('is answered with what a read shows, once it has ended', async () => {
      const done = await submit('?wait=30s', { model: 'language-id', input: 'Günaydın, nasılsınız?' });
      expect(done.status).to.equal(200);
      expect(done.body.status).to.equal('completed');
      expect(done.body).to.deep.equal((await read(done.body.id)).body);
      expect(done.headers.get('location')).to.equal(`/v1/inferences/${done.body.id}`);
      expect(done.headers.get('etag')).to.equal('"1"');
      expect(done.headers.get('retry-after')).to.equal(null);
      expect(done.headers.get('x-consistency-token')).to.be.a('string');
    });

    it('is answered 200 also when it failed', async () => {
      upstream.answer(json(400, { error: { message: 'no', code: 'bad' } }));
      const done = await submit('?wait=30s');
      expect(done.status).to.equal(200);
      expect(done.body.status).to.equal('failed');
      expect(done.body.error?.code).to.be.a('string');
    });

    it('is answered 202 when the time is over, and goes on', async () => {
      for (const query of ['?wait=0s', '?wait=50ms', '']) {
        const accepted = await submit(query);
        expect(accepted.status, query).to.equal(202);
        expect(accepted.body).to.deep.equal({ id: accepted.body.id, status: 'queued' });
        expect(accepted.headers.get('retry-after')).to.equal('1');
        expect((await read(accepted.body.id)).body.status).not.to.equal('completed');
      }
      const waiting = submit('?wait=30s');
      release();
      expect((await waiting).body.status).to.equal('completed');
    });

    it('joins the one that its Idempotency-Key named before, running or ended', async () => {
      const key = { 'idempotency-key': 'waits' };
      const first = await submit('', held, key);
      expect(first.status).to.equal(202);
      const joined = submit('?wait=30s', held, key);
      release();
      const done = await joined;
      expect(done.status).to.equal(200);
      expect(done.body.id).to.equal(first.body.id);
      expect(done.headers.get('idempotent-replayed')).to.equal('true');
      const again = await submit('?wait=1ms', held, key);
      expect(again.body).to.deep.equal(done.body);
      expect((await submit('', held, key)).status).to.equal(202);
      const token = { 'x-consistency-token': done.headers.get('x-consistency-token') ?? '' };
      const stream = `stream=inference-${first.body.id}&type=InferenceRequested`;
      const audit = await flow().api<{ data: unknown[] }>('GET', `/v1/audit?${stream}`, { headers: token });
      expect(audit.body.data).to.have.length(1);
    });

    it('is not cancelled by a client that leaves', async () => {
      const key = { 'idempotency-key': 'leaves' };
      const leaving = new AbortController();
      const left = flow()
        .api('POST', '/v1/inferences?wait=30s', { body: held, headers: key, signal: leaving.signal })
        .catch((error: Error) => error.name);
      const seenBefore = upstream.seen.length;
      await eventually(() => expect(upstream.seen.length).to.be.greaterThan(seenBefore));
      leaving.abort();
      expect(await left).to.equal('AbortError');
      release();
      const { id } = (await submit('', held, key)).body;
      expect((await read(id, '?wait=30s')).body.status).to.equal('completed');
    });

    for (const query of ['?wait=61s', '?wait=soon', '?wait=', '?wiat=5s', '?wait=1s&wait=2s'])
      it(`is refused with ${query}, and nothing happens`, async () => {
        const seenBefore = upstream.seen.length;
        const refused = await submit(query);
        expectProblem(refused, 422, 'invalid-request');
        expect(upstream.seen.length).to.equal(seenBefore);
      });
  },
  { env: { ALLOW_PRIVATE_UPSTREAMS: 'on' } },
);
