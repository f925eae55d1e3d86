// No tenant takes the room of another: neither by flooding models of its own, nor by long work on a shared one.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Api } from '../support/api-client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

const MOST = 80;
/** Generations at once on a model that runs sixteen of them together. */
const LONG_ONES = 80;
/** The share of one model of all that may wait. */
const OF_ONE = 1 / 4;
const LONG = { model: 'tiny-writer', input: 'Once upon a time', parameters: { max_tokens: 1_000 } };
const QUICK = { model: 'language-id', input: 'Wie geht es Ihnen heute?' };

interface Inference {
  readonly id: string;
  readonly status: string;
  readonly completedAt: string;
}

const submit = (api: Api, body: object) => api<Inference>('POST', '/v1/inferences', { body });
const many = <Value>(count: number, work: (n: number) => Promise<Value>) =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));
/** How many answers there were of each status. */
const statuses = (answers: readonly { readonly status: number }[]) =>
  Object.fromEntries([...Map.groupBy(answers, ({ status }) => status)].map(([status, all]) => [status, all.length]));

async function ended(api: Api, id: string): Promise<Inference> {
  for (;;) {
    const { status, body } = await api<Inference>('GET', `/v1/inferences/${id}?wait=30s`);
    // On a busy machine all of them together take longer than one may wait.
    if (status === 202) continue;
    expect(body.status).to.equal('completed');
    return body;
  }
}

describeFlow(
  'a tenant that floods',
  (flow) => {
    let upstream: Server;
    before(async () => {
      upstream = createServer(() => undefined);
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    });
    after(() => {
      upstream.closeAllConnections();
      upstream.close();
    });

    it('four slow models of its own is refused beyond its share, and others are served', async function () {
      this.timeout(120_000);
      const [loud, quiet] = [await flow().newTenant('Loud'), await flow().newTenant('Quiet')];
      const source = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
      const names = ['slow-1', 'slow-2', 'slow-3', 'slow-4'];
      for (const name of names)
        expect((await loud.api('PUT', `/v1/models/${name}`, { body: { runtime: 'openai', source } })).status).to.equal(
          201,
        );
      const flood = () => many(2 * MOST, (n) => submit(loud.api, { model: names[n % names.length], input: 'hello?' }));
      expect(statuses(await flood())).to.deep.equal({ 202: MOST, 429: MOST });
      const refused = await submit(loud.api, { model: 'slow-1', input: 'hello?' });
      expectProblem(refused, 429, 'too-many-requests');
      expect(refused.headers.get('retry-after')).to.equal('1');
      for (let n = 0; n < 5; n++) {
        const [, accepted] = await Promise.all([flood(), submit(quiet.api, QUICK)]);
        expect(accepted.status).to.equal(202);
        await ended(quiet.api, accepted.body.id);
      }
      const burst = await many((MOST * OF_ONE) / 2, () => submit(quiet.api, QUICK));
      expect(statuses(burst)).to.deep.equal({ 202: (MOST * OF_ONE) / 2 });
      for (const { body } of burst) await ended(quiet.api, body.id);
    });
  },
  { env: { ALLOW_PRIVATE_UPSTREAMS: 'on', MAX_OUTSTANDING: String(MOST) } },
);

describeFlow(
  'long generations on a shared model',
  (flow) => {
    it('keep nobody else from it: one request of another tenant is let in and served in turn', async function () {
      this.timeout(120_000);
      const [loud, quiet] = [await flow().newTenant('Loud'), await flow().newTenant('Quiet')];
      const long = await many(LONG_ONES, () => submit(loud.api, LONG));
      expect(statuses(long)).to.deep.equal({ 202: LONG_ONES });
      const one = await submit(quiet.api, LONG);
      expect(one.status).to.equal(202);
      const mine = await ended(quiet.api, one.body.id);
      const theirs = await Promise.all(long.map(({ body }) => ended(loud.api, body.id)));
      const later = theirs.filter(({ completedAt }) => completedAt > mine.completedAt);
      expect(later).to.have.length.of.at.least(10);
    });
  },
  { env: { MAX_OUTSTANDING: String(LONG_ONES / OF_ONE) } },
);
