// Where an answer says that something can be read, it can be read, at once.

import { expect } from 'chai';
import { allRoutes } from '#contracts/all-routes.ts';
import type { RouteContract } from '#contracts/route.ts';
import type { Api, ApiAnswer } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

interface Created {
  readonly key?: string;
}

const VALUE = 'sk-a-secret-0123456789';

/** For each route that answers with a Location, a request that it accepts; they run in this order. */
const REQUESTS: Readonly<Record<string, (api: Api) => Promise<ApiAnswer<Created>>>> = {
  createTenant: (api) => api('POST', '/v1/tenants', { body: { name: 'located' } }),
  issueApiKey: (api) => api('POST', '/v1/api-keys', { body: { name: 'located' } }),
  inviteUser: (api) => api('POST', '/v1/users', { body: { email: 'located@example.com' } }),
  rotateApiKey: async (api) => {
    const { body } = await api<{ id: string }>('POST', '/v1/api-keys', { body: { name: 'located' } });
    return api('POST', `/v1/api-keys/${body.id}/rotate`);
  },
  storeCredential: (api) => api('POST', '/v1/credentials', { body: { name: 'located', kind: 'openai', value: VALUE } }),
  registerModel: (api) =>
    api('PUT', '/v1/models/located%2Fmodel', { body: { runtime: 'tensorflow', source: 'language-id' } }),
  submitInference: (api) => api('POST', '/v1/inferences', { body: { model: 'language-id', input: 'where?' } }),
  rebuildProjection: (api) => api('POST', '/v1/projections/audit/rebuild'),
  rollBackProjection: async (api) => {
    await eventually(async () => {
      const { body } = await api<{ state: string; version: number }>('GET', '/v1/projections/audit');
      expect(body).to.include({ state: 'live', version: 2 });
    }, 20_000);
    return api('POST', '/v1/projections/audit/rollback');
  },
};

const ACCEPTED = new Set(['submitInference', 'rebuildProjection', 'rollBackProjection']);

/** Followed in rebuild.test.ts, which has letters. */
const OF_LETTERS = ['retryDeadLetter', 'discardDeadLetter'];

const promises = (route: RouteContract) =>
  Object.values<RouteContract['answers'][number]>(route.answers).some(({ headers = [] }) =>
    headers.includes('location'),
  );

describe('the routes that answer with a Location', () => {
  it('are all followed', () => {
    const promised = allRoutes.filter(promises).map(({ id }) => id);
    expect(promised).to.have.members([...Object.keys(REQUESTS), ...OF_LETTERS]);
  });
});

describeFlow('a Location', (flow) => {
  for (const [id, request] of Object.entries(REQUESTS))
    it(`that ${id} answers can be read at once, with the token and without`, async function () {
      this.timeout(30_000);
      const { api } = flow();
      const made = await request(api);
      expect(made.status, JSON.stringify(made.body)).to.equal(ACCEPTED.has(id) ? 202 : 201);
      const location = made.headers.get('location') ?? '';
      const token = { 'x-consistency-token': made.headers.get('x-consistency-token') ?? '' };
      for (const headers of [{}, token]) {
        const found = await api('GET', location, { headers });
        expect(found.status, `${location}: ${JSON.stringify(found.body)}`).to.equal(200);
        expect(found.headers.get('etag')).to.match(/^"\d+"$/);
        expect(JSON.stringify(found.body)).not.to.contain(made.body.key ?? VALUE);
      }
    });

  it('of another tenant is as good as absent', async () => {
    const { api, newTenant } = flow();
    const stranger = await newTenant('strangers to it');
    for (const id of ['issueApiKey', 'storeCredential', 'submitInference'] as const) {
      const location = (await REQUESTS[id]?.(api))?.headers.get('location') ?? '';
      const refused = expectProblem(await stranger.api('GET', location), 404, 'not-found');
      const [area] = location.split(/[^/]*$/);
      const absent = expectProblem(await stranger.api('GET', `${area}nothing`), 404, 'not-found');
      expect(refused.detail).to.equal(absent.detail);
    }
  });

  it('of a key that was revoked shows that it is; of a credential that was deleted nothing', async () => {
    const { api } = flow();
    const key = (await REQUESTS['issueApiKey']?.(api))?.headers.get('location') ?? '';
    expect((await api('DELETE', key)).status).to.equal(204);
    expect((await api('GET', key)).body).to.include({ status: 'revoked' });
    const credential = (await REQUESTS['storeCredential']?.(api))?.headers.get('location') ?? '';
    expect((await api('DELETE', credential)).status).to.equal(204);
    expectProblem(await api('GET', credential), 404, 'not-found');
  });
});
