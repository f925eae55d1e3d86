import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { describeFlow } from './with-defter.ts';

describeFlow(
  'an upstream that does not answer',
  (flow) => {
    let upstream: Server;
    let source = '';
    before(async () => {
      upstream = createServer(() => undefined);
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
      source = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
    });
    after(() => {
      upstream.closeAllConnections();
      upstream.close();
    });

    it('keeps neither other models nor other tenants waiting, whatever waits for it', async function () {
      this.timeout(60_000);
      const { api, newTenant } = flow();
      const model = await api('PUT', '/v1/models/silent', { body: { runtime: 'openai', source } });
      expect(model.status).to.equal(201);
      const ask = () => api('POST', '/v1/inferences', { body: { model: 'silent', input: 'hello?' } });
      // More than a run of any kind holds, fewer than one model may have waiting.
      for (let sent = 0; sent < 1_500; sent += 100) {
        const answers = await Promise.all(Array.from({ length: 100 }, ask));
        expect(answers.every(({ status }) => status === 202)).to.equal(true);
      }
      const other = await newTenant('hurried');
      for (const client of [api, other.api]) {
        const { body } = await client<{ id: string }>('POST', '/v1/inferences', {
          body: { model: 'language-id', input: 'Wie geht es Ihnen heute?' },
        });
        const done = await client('GET', `/v1/inferences/${body.id}?wait=20s`);
        expect(done.body['status']).to.equal('completed');
      }
    });
  },
  { env: { ALLOW_PRIVATE_UPSTREAMS: 'on' } },
);
