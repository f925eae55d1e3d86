// Limits of requests, on every replica together where there are several.

import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

const PER_KEY = 20;

describeFlow(
  'a limit of requests a minute',
  (flow) => {
    it('holds for each key, over commands and queries, and tells what is left', async () => {
      const { newTenant } = flow();
      const [one, two] = [await newTenant(`One ${randomUUID()}`), await newTenant(`Two ${randomUUID()}`)];
      const left: (string | null)[] = [];
      for (let n = 0; n < PER_KEY; n++) {
        const { status, headers } = await (n % 2
          ? one.api('GET', '/v1/models')
          : one.api('POST', '/v1/inferences', { body: { model: 'language-id', input: 'Guten Tag' } }));
        expect(status).to.be.below(300);
        left.push(headers.get('x-ratelimit-remaining-requests'));
      }
      expect(left).to.deep.equal(Array.from({ length: PER_KEY }, (_, n) => String(PER_KEY - 1 - n)));
      for (const [method, path] of [
        ['GET', '/v1/models'],
        ['POST', '/v1/inferences'],
      ] as const) {
        const refused = await one.api(method, path, method === 'POST' ? { body: {} } : {});
        expectProblem(refused, 429, 'too-many-requests');
        expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
      }
      expect((await two.api('GET', '/v1/models')).status).to.equal(200);
    });
  },
  { env: { RATE_LIMIT_PER_KEY: String(PER_KEY) }, anyBus: true },
);
