import { expect } from 'chai';
import type { z } from 'zod';
import { inferenceEventSchema } from '#contracts/inference-answers.ts';
import type { Api, ApiAnswer } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { chunk, events, type OpenAiUpstream, openOpenAiUpstream } from '../support/openai-upstream.ts';
import { readEventStream } from '../support/read-event-stream.ts';
import { describeFlow } from './with-defter.ts';

interface Inference {
  readonly id: string;
  readonly status: string;
  readonly model: string;
  readonly input: unknown;
  readonly parameters: Record<string, unknown>;
  readonly output: {
    readonly label?: string;
    readonly scores?: Record<string, number>;
    readonly text?: string;
    readonly finishReason?: string;
  };
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly error: { readonly code: string } | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
}

const turkish = { model: 'language-id', input: 'Günaydın, bugün hava çok güzel ve deniz sakin.' };

const submit = (api: Api, body: object, headers: Record<string, string> = {}) =>
  api<{ id: string; status: string }>('POST', '/v1/inferences', { body, headers });

const wait = (api: Api, id: string) => api<Inference>('GET', `/v1/inferences/${id}?wait=30s`);

const run = async (api: Api, body: object) => wait(api, (await submit(api, body)).body.id);

const tokensOf = (events: readonly z.infer<typeof inferenceEventSchema>[]) =>
  events.flatMap((one) => (one.event === 'token' ? [one] : []));

const tokenOf = (answer: ApiAnswer<unknown>) => ({
  'x-consistency-token': answer.headers.get('x-consistency-token') ?? '',
});

describeFlow(
  'an inference',
  (flow) => {
    let upstream: OpenAiUpstream;
    before(async () => {
      upstream = await openOpenAiUpstream();
      const made = await flow().api('PUT', '/v1/models/told', { body: { runtime: 'openai', source: upstream.url } });
      expect(made.status).to.equal(201);
    });
    after(() => upstream.close());

    /** One that runs until it is told to finish. */
    async function startUntilTold(api: Api) {
      const asked = Promise.withResolvers<{ readonly finish: () => void }>();
      upstream.answer((request, response) => {
        events([chunk({ content: 'Hi' })], { end: false })(request, response);
        asked.resolve({
          finish: () => response.end(`data: ${JSON.stringify(chunk({}, 'stop'))}\n\ndata: [DONE]\n\n`),
        });
      });
      const { id } = (await submit(api, { model: 'told', input: 'Say hi.' })).body;
      return { id, ...(await asked.promise) };
    }

    it('is accepted with 202 and where to find it, and then has a result', async () => {
      const { api } = flow();
      const accepted = await submit(api, turkish);
      expect(accepted.status).to.equal(202);
      expect(accepted.body).to.deep.equal({ id: accepted.body.id, status: 'queued' });
      expect(accepted.headers.get('location')).to.equal(`/v1/inferences/${accepted.body.id}`);
      expect(accepted.headers.get('etag')).to.equal('"0"');
      expect(accepted.headers.get('retry-after')).to.equal('1');

      const done = await wait(api, accepted.body.id);
      expect(done.status).to.equal(200);
      expect(done.headers.get('etag')).to.equal('"1"');
      const { output, ...rest } = done.body;
      expect(rest).to.deep.include({ id: accepted.body.id, status: 'completed', ...turkish, error: null });
      expect(output.label).to.equal('tr');
      expect(output.scores?.['tr']).to.be.within(0.9, 1);
      expect(Object.keys(output.scores ?? {})).to.have.length(5);
      expect(Date.parse(rest.completedAt ?? '')).to.be.at.least(Date.parse(rest.createdAt));
    });

    it('of the writer is the same for the same seed, and as long as asked', async () => {
      const { api } = flow();
      const body = { model: 'tiny-writer', input: 'The garden ', parameters: { seed: 5, max_tokens: 40 } };
      const [one, two] = await Promise.all([run(api, body), run(api, body)]);
      expect(one.body.output.text).to.have.length(40).and.to.equal(two.body.output.text);
      expect(one.body.output.finishReason).to.equal('length');
      expect(one.body.usage).to.deep.equal({ inputTokens: 11, outputTokens: 40 });
    });

    it('that waits for more than there is time answers 202, and goes on', async () => {
      const { api } = flow();
      const { id, finish } = await startUntilTold(api);
      await eventually(async () => {
        const early = await api<Inference>('GET', `/v1/inferences/${id}?wait=1ms`);
        expect([early.status, early.body.status]).to.deep.equal([202, 'running']);
      });
      finish();
      expect((await wait(api, id)).body).to.nested.include({ status: 'completed', 'output.text': 'Hi' });
    });

    it('streams its tokens, which add up to its answer, and can be taken up again in the middle', async () => {
      const { api, url, key } = flow();
      const { body } = await submit(api, {
        model: 'tiny-writer',
        input: 'Once ',
        parameters: { max_tokens: 60, seed: 3 },
      });
      const read = async (headers: Record<string, string> = {}) => {
        const answer = await fetch(`${url}/v1/inferences/${body.id}/events`, {
          headers: { authorization: `Bearer ${key}`, ...headers },
        });
        expect(answer.headers.get('content-type')).to.match(/^text\/event-stream/);
        const events = readEventStream(await answer.text());
        // As the contract promises them.
        return events.map((event) => inferenceEventSchema.parse(event));
      };
      const events = await read();
      const tokens = tokensOf(events);
      const last = events.at(-1);
      if (last?.event !== 'end') throw new Error(`the last event is ${last?.event}`);
      expect(last.data.status).to.equal('completed');
      expect(tokens.map(({ data }) => data.text).join('')).to.equal((last.data.output as Inference['output']).text);

      const middle = Math.floor(tokens.length / 2);
      const rest = await read({ 'last-event-id': tokens[middle]?.id ?? '' });
      const resumed = tokensOf(rest).map(({ data }) => data.text);
      expect(resumed).to.deep.equal(tokens.slice(middle + 1).map(({ data }) => data.text));
      expect(rest.at(-1)?.event).to.equal('end');
    });

    it('can be cancelled while it runs, and then stays cancelled', async () => {
      const { api } = flow();
      const { id } = await startUntilTold(api);
      const cancelled = await api('DELETE', `/v1/inferences/${id}`);
      expect(cancelled.status).to.equal(200);
      expect(cancelled.body).to.deep.equal({ id, status: 'cancelled' });
      expect((await wait(api, id)).body).to.deep.include({ status: 'cancelled', output: null });
      expect((await api('DELETE', `/v1/inferences/${id}`)).status).to.equal(200);
    });

    it('that has ended cannot be cancelled', async () => {
      const { api } = flow();
      const done = await run(api, turkish);
      const refused = await api('DELETE', `/v1/inferences/${done.body.id}`);
      expect(refused.status).to.equal(409);
      expect(refused.body['code']).to.equal('already-finished');
    });

    it('is found by its words, its model, its status and its time, page by page', async () => {
      const { newTenant } = flow();
      const { api } = await newTenant('searchers');
      const texts = [
        'Kırmızı gül ve İSTANBUL',
        'a red rose in Istanbul',
        'the blue sea',
        'une rose rouge',
        'eine rote Rose',
      ];
      let last: ApiAnswer<unknown> | undefined;
      for (const input of texts) {
        const accepted = await submit(api, { model: 'language-id', input });
        await wait(api, accepted.body.id);
        last = accepted;
      }
      const list = (query: string) =>
        api<{ data: Inference[]; next: string | null; searched?: unknown }>('GET', `/v1/inferences?${query}`, {
          headers: tokenOf(last!),
        });
      const found = async (query: string) => {
        const answer = await list(query);
        expect(answer.status).to.equal(200);
        return answer.body.data.map(({ input }) => input);
      };
      // The last result is projected after its request, which alone the token stands for.
      await eventually(async () => expect(await found('status=completed')).to.have.members(texts));
      expect(await found('q=istanbul')).to.have.members([texts[0], texts[1]]);
      expect(await found('q=rose&model=language-id')).to.have.members([texts[1], texts[3], texts[4]]);
      expect(await found('q=rot*')).to.deep.equal([texts[4]]);
      const { searched } = (await list('q=%22Red%22+-(rose)')).body;
      expect(searched).to.deep.include({ words: ['red', 'rose'], running: false });
      expect((await list('limit=1')).body).not.to.have.property('searched');
      // Signs and operators of query languages are no more than what parts words.
      expect(await found(`q=${encodeURIComponent('words:"rose" +Istanbul^2 a*')}`)).to.deep.equal([]);
      expect(await found(`q=${encodeURIComponent('\'rose\'; -- "red"(istanbul)^{}:[]~/\\')}`)).to.deep.equal([
        texts[1],
      ]);
      for (const q of ['*', '"', '-- ()', "';"]) {
        expectProblem(await list(`q=${encodeURIComponent(q)}`), 422, 'invalid-request', '/q');
      }
      expect((await list('status=failed')).body.data).to.deep.equal([]);
      expect((await list('q=nowhere')).body.data).to.deep.equal([]);
      expect((await list('createdAfter=2099-01-01T00:00:00Z')).body.data).to.deep.equal([]);

      const pages: unknown[] = [];
      let after = '';
      for (let page = 0; page < 3; page++) {
        const { body } = await list(`limit=2${after}`);
        pages.push(...body.data.map(({ input }) => input));
        after = `&after=${body.next}`;
        if (page === 2) expect(body.next).to.equal(null);
      }
      expect(pages).to.deep.equal(texts.toReversed());
    });

    it('is seen in a list by whoever carries the token of its request', async () => {
      const { api } = flow();
      for (let n = 0; n < 10; n++) {
        const accepted = await submit(api, { model: 'language-id', input: `number ${n}` });
        const list = await api<{ data: Inference[] }>('GET', '/v1/inferences?limit=5', { headers: tokenOf(accepted) });
        expect(list.body.data.map(({ id }) => id)).to.include(accepted.body.id);
        const audit = await api<{ data: { stream: string }[] }>('GET', '/v1/audit?limit=20&type=InferenceRequested', {
          headers: tokenOf(accepted),
        });
        expect(audit.body.data.map(({ stream }) => stream)).to.include(`inference-${accepted.body.id}`);
      }
    });

    it('with a long input goes through a blob and comes back whole', async () => {
      const { api } = flow();
      const input = 'Der schnelle braune Fuchs springt über den faulen Hund. '.repeat(350).slice(0, 19_900);
      const done = await run(api, { model: 'language-id', input });
      expect(done.body.input).to.equal(input);
      expect(done.body.output.label).to.equal('de');
    });
  },
  { env: { ALLOW_PRIVATE_UPSTREAMS: 'on' } },
);

describeFlow('a repeated request', (flow) => {
  const keyed = (key: string) => ({ 'idempotency-key': key });

  it('with the same Idempotency-Key joins the first, whether it runs or has ended', async () => {
    const { api } = flow();
    const first = await submit(api, turkish, keyed('one'));
    const second = await submit(api, turkish, keyed('"one"'));
    expect(second.status).to.equal(202);
    expect(second.body).to.deep.equal(first.body);
    expect(second.headers.get('location')).to.equal(first.headers.get('location'));
    expect(second.headers.get('x-consistency-token')).to.equal(first.headers.get('x-consistency-token'));
    await wait(api, first.body.id);
    const third = await submit(api, { input: turkish.input, model: turkish.model }, keyed('one'));
    expect(third.body).to.deep.equal(first.body);
    expect(third.headers.get('idempotent-replayed')).to.equal('true');
    // Its result is projected after its request, which alone the token stands for.
    await eventually(async () => {
      const audit = await api<{ data: { type: string }[] }>('GET', `/v1/audit?stream=inference-${first.body.id}`, {
        headers: tokenOf(third),
      });
      expect(audit.body.data.map(({ type }) => type)).to.deep.equal(['InferenceCompleted', 'InferenceRequested']);
    });
  });

  it('with the same key and another body is refused', async () => {
    const { api } = flow();
    await submit(api, turkish, keyed('two'));
    const refused = await submit(api, { ...turkish, input: 'something else' }, keyed('two'));
    expect(refused.status).to.equal(422);
    expect(refused.body).to.have.property('code', 'idempotency-key-reused');
  });

  it('of two different bodies racing under one key, one wins and the other is told', async () => {
    const { api } = flow();
    for (let round = 0; round < 20; round++) {
      const bodies = ['bir', 'iki', 'üç', 'dört'].map((input) => ({ model: 'language-id', input }));
      const answers = await Promise.all(bodies.map((body) => submit(api, body, keyed(`race-${round}`))));
      expect(answers.map(({ status }) => status)).to.have.members([202, 422, 422, 422]);
      const winner = answers.findIndex(({ status }) => status === 202);
      const done = await wait(api, answers[winner]?.body.id ?? '');
      expect(done.body.input).to.equal(bodies[winner]?.input);
    }
  });

  it('is another request for another tenant', async () => {
    const { api, newTenant } = flow();
    const other = await newTenant('key sharers');
    const mine = await submit(api, turkish, keyed('shared'));
    const theirs = await submit(other.api, turkish, keyed('shared'));
    expect(theirs.status).to.equal(202);
    expect(theirs.body.id).not.to.equal(mine.body.id);
  });
});
