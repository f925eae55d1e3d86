// A request that brings the server down each time it runs is found out and ended; what ran beside it is not blamed.

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { InferenceView } from '#contracts/inference-answers.ts';
import { type Api, createApi } from '../support/api-client.ts';
import { createMortalServer } from '../support/history-server.ts';
import { echo, openOpenAiUpstream } from '../support/openai-upstream.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POISON = 'poison';
const INNOCENTS = 12;
const MOST_STARTS = 8;
/** How long the upstream takes for what is no poison: longer than the poison takes to kill. */
const ANSWER_MS = 250;
const KEY = randomBytes(24).toString('hex');

const chat = (content: string) => ({ model: 'upstream', messages: [{ role: 'user', content }] });

async function submit(api: Api, body: object): Promise<string> {
  const answer = await api<{ id: string }>('POST', '/v1/inferences', { body });
  expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
  return answer.body.id;
}

async function ended(api: Api, id: string): Promise<InferenceView> {
  const { status, body } = await api<InferenceView>('GET', `/v1/inferences/${id}?wait=30s`);
  expect(status, `${id} has not ended`).to.equal(200);
  return body;
}

describe('a request that always kills the server', function () {
  this.timeout(180_000);

  it('fails as crashed after three attempts, while all others complete', async () => {
    const folder = await temporaryFolder();
    const upstream = await openOpenAiUpstream();
    const server = createMortalServer(folder.path, { API_KEY: KEY, ALLOW_PRIVATE_UPSTREAMS: 'on' });
    let died = Promise.withResolvers<void>();
    let deaths = 0;
    upstream.answer((seen, response) => {
      if (!JSON.stringify(seen.body['messages']).includes(POISON)) {
        setTimeout(() => echo(seen, response), ANSWER_MS);
        return;
      }
      deaths++;
      server.kill9().then(died.resolve, died.reject);
    });
    died.promise.catch(() => undefined);
    try {
      await server.start();
      const { url } = await server.whenUp();
      const api = createApi(url, KEY);
      const registered = await api('PUT', '/v1/models/upstream', { body: { runtime: 'openai', source: upstream.url } });
      expect(registered.status).to.equal(201);
      const innocents: string[] = [];
      for (let n = 0; n < INNOCENTS; n++) {
        innocents.push(await submit(api, chat(`innocent ${n}`)));
        innocents.push(await submit(api, { model: 'tiny-writer', input: 'Once', parameters: { max_tokens: 400 } }));
      }
      // Its answer may be lost with the server that it kills.
      const poison = '/v1/inferences';
      const headers = { 'idempotency-key': POISON };
      await api('POST', poison, { body: chat(POISON), headers }).catch(() => undefined);
      await died.promise;

      let ends: { readonly poison: InferenceView; readonly others: InferenceView[] } | undefined;
      for (let starts = 1; !ends && starts <= MOST_STARTS; starts++) {
        died = Promise.withResolvers<void>();
        died.promise.catch(() => undefined);
        if ((await server.start()) === 'killed') continue;
        const running = createApi((await server.whenUp()).url, KEY);
        const look = async () => {
          const { body } = await running<{ id: string }>('POST', poison, { body: chat(POISON), headers });
          const end = await ended(running, body.id);
          return { poison: end, others: await Promise.all(innocents.map((id) => ended(running, id))) };
        };
        // A connection breaks a moment before it is known that the server was killed.
        const gone = died.promise.then(() => undefined);
        ends = await look().catch((error: unknown) =>
          error instanceof TypeError ? gone : Promise.reject(error as Error),
        );
      }
      expect(ends?.poison).to.deep.include({ status: 'failed', output: null });
      expect(ends?.poison.error?.code).to.equal('crashed');
      expect(deaths).to.equal(3);
      const unhappy = ends?.others.filter(({ status }) => status !== 'completed');
      expect(unhappy, JSON.stringify(unhappy)).to.deep.equal([]);
    } finally {
      await server.end();
      await upstream.close();
      await folder.remove();
    }
  });
});
