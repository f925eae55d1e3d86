// What a tenant says of a model is its own: it takes from no other. What the platform says holds for whom it is granted to.

import { expect } from 'chai';
import type { Api, ApiAnswer } from '../support/api-client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { openOpenAiUpstream } from '../support/openai-upstream.ts';
import { describeFlow } from './with-defter.ts';

interface Model {
  readonly id: string;
  readonly owned_by: string;
  readonly description: string;
  readonly defaults: Record<string, unknown>;
  readonly revision: number | null;
  readonly source: string | null;
}
interface Grants {
  readonly tenants: readonly string[];
}

const builtIn = (source: string) => ({ runtime: 'tensorflow', source });
const get = (api: Api, name: string) => api<Model>('GET', `/v1/models/${name}`);
const list = async (api: Api) => (await api<{ data: Model[] }>('GET', '/v1/models')).body.data;
const setDefaults = (api: Api, name: string, body: object, headers: Record<string, string> = {}) =>
  api<Model>('PUT', `/v1/models/${name}/defaults`, { body, headers });
const grant = (api: Api, name: string, to: string) => api<Grants>('PUT', `/v1/models/${name}/grants/${to}`);
const withdraw = (api: Api, name: string, from: string) => api<Grants>('DELETE', `/v1/models/${name}/grants/${from}`);
const etag = (answer: ApiAnswer<unknown>) => answer.headers.get('etag') ?? '';

async function written(api: Api, model: string, parameters: object = {}) {
  const { body } = await api<{ id: string }>('POST', '/v1/inferences', { body: { model, input: 'The ', parameters } });
  return (await api<{ parameters: object; output: { text: string } }>('GET', `/v1/inferences/${body.id}?wait=30s`))
    .body;
}

describeFlow('models between tenants', (flow) => {
  describe("a tenant's changes of a model", () => {
    it('touch its own alone, though a retry takes its model away twice', async () => {
      const { newTenant, api: withEverything } = flow();
      const [one, two] = [await newTenant('Retirers'), await newTenant('Bystanders')];
      for (const api of [one.api, withEverything]) {
        expect((await api('PUT', '/v1/models/language-id', { body: builtIn('tiny-writer') })).status).to.equal(201);
        expect((await api('DELETE', '/v1/models/language-id')).status).to.equal(200);
        expect((await api('DELETE', '/v1/models/language-id')).status).to.equal(200);
      }
      for (const api of [one.api, two.api, withEverything])
        expect((await get(api, 'language-id')).body).to.include({ owned_by: 'platform' });
      expectProblem(await two.api('DELETE', '/v1/models/language-id'), 404, 'model-not-found');
      expectProblem(await withEverything('DELETE', '/v1/models/tiny-writer'), 404, 'model-not-found');
    });

    it('are its own defaults where the model is the platform’s, over those of the platform', async () => {
      const { newTenant, asPlatform } = flow();
      const [one, two, platform] = [await newTenant('Defaulters'), await newTenant('Others'), await asPlatform()];
      const before = await get(one.api, 'tiny-writer');
      expect([before.body.revision, etag(before)]).to.deep.equal([null, '']);
      expect((await setDefaults(platform, 'tiny-writer', { seed: 4, max_tokens: 9 })).status).to.equal(200);
      const set = await setDefaults(one.api, 'tiny-writer', { max_tokens: 5 });
      expect(set.status).to.equal(200);
      expect(set.body).to.include({ owned_by: 'platform', source: null, revision: 0 });
      expect(set.body.defaults).to.include({ max_tokens: 5, seed: 4 });
      const shown = await get(one.api, 'tiny-writer');
      expect(shown.body).to.deep.equal(set.body);
      expect((await list(one.api)).find(({ id }) => id === 'tiny-writer')).to.deep.equal(set.body);
      expect(etag(shown)).to.equal('"0"');
      const seen = await get(two.api, 'tiny-writer');
      expect(seen.body.defaults).to.include({ max_tokens: 9, seed: 4 });
      const [mine, theirs] = [await written(one.api, 'tiny-writer'), await written(two.api, 'tiny-writer')];
      expect(mine.parameters).to.include({ max_tokens: 5, seed: 4 });
      expect([mine.output.text.length, theirs.output.text.length]).to.deep.equal([5, 9]);
      expect((await written(one.api, 'tiny-writer', { max_tokens: 2 })).output.text).to.have.length(2);
      expectProblem(
        await setDefaults(one.api, 'tiny-writer', { temperature: 9 }),
        422,
        'invalid-request',
        '/temperature',
      );
      expectProblem(await setDefaults(one.api, 'tiny-writer', {}, { 'if-match': '"4"' }), 412, 'revision-mismatch');
      expect((await setDefaults(one.api, 'tiny-writer', {}, { 'if-match': '"0"' })).body.defaults).to.include({
        max_tokens: 9,
      });
      await setDefaults(platform, 'tiny-writer', {});
    });

    it('set defaults for the platform’s model once under one Idempotency-Key', async () => {
      const { api } = await flow().newTenant('Repeaters');
      const keyed = { 'idempotency-key': 'over' };
      const first = await setDefaults(api, 'tiny-writer', { max_tokens: 3 }, keyed);
      await setDefaults(api, 'tiny-writer', { max_tokens: 4 });
      const again = await setDefaults(api, 'tiny-writer', { max_tokens: 3 }, keyed);
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      expect(again.body).to.deep.equal(first.body);
      expect((await get(api, 'tiny-writer')).body.defaults).to.include({ max_tokens: 4 });
    });

    it('can be taken back: a retired model is reinstated as it was', async () => {
      const { newTenant } = flow();
      const [one, two] = [await newTenant('Reinstaters'), await newTenant('Strangers')];
      const name = 'org/mine';
      const path = `/v1/models/${name}`;
      await one.api('PUT', path, { body: { ...builtIn('tiny-writer'), description: 'mine' } });
      await setDefaults(one.api, name, { max_tokens: 6 });
      const before = (await get(one.api, name)).body;
      expect((await one.api('DELETE', path)).status).to.equal(200);
      expectProblem(await get(one.api, name), 404, 'model-not-found');
      expectProblem(await two.api('POST', `${path}/reinstate`), 404, 'model-not-found');
      const back = await one.api<Model>('POST', `/v1/models/${encodeURIComponent(name)}/reinstate`);
      expect(back.status, JSON.stringify(back.body)).to.equal(200);
      expect(back.body).to.deep.equal({ ...before, revision: 3 });
      expect((await get(one.api, name)).body).to.deep.equal(back.body);
      expect((await written(one.api, name)).output.text).to.have.length(6);
      const unchanged = await one.api<Model>('POST', `${path}/reinstate`);
      expect([unchanged.status, etag(unchanged)]).to.deep.equal([200, etag(back)]);
    });
  });

  describe("a platform's model", () => {
    it('is granted to one tenant, to another, and withdrawn; each holds from its answer on', async () => {
      const { newTenant, asPlatform, api: withEverything } = flow();
      const [one, two, platform] = [await newTenant('First'), await newTenant('Second'), await asPlatform()];
      const name = 'org/shared';
      expect((await platform('PUT', `/v1/models/${name}`, { body: builtIn('tiny-writer') })).status).to.equal(201);
      const seenBy = async () =>
        Promise.all([one.api, two.api].map(async (api) => [(await get(api, name)).status, (await list(api)).length]));
      const [, [, others = 0] = []] = await seenBy();
      expect(await seenBy()).to.deep.equal([
        [404, others],
        [404, others],
      ]);
      expectProblem(await setDefaults(one.api, name, { max_tokens: 1 }), 404, 'model-not-found');

      const first = await grant(platform, name, one.id);
      expect(first.status, JSON.stringify(first.body)).to.equal(200);
      expect(first.body).to.deep.equal({ object: 'model_grants', model: name, tenants: [one.id] });
      const asked = { body: { model: name, input: 'The ', parameters: { max_tokens: 1 } } };
      expect((await one.api('POST', '/v1/inferences', asked)).status).to.equal(202);
      expectProblem(await two.api('POST', '/v1/inferences', asked), 404, 'model-not-found', '/model');
      // From another tenant, with the permission.
      expect((await grant(withEverything, encodeURIComponent(name), two.id)).body.tenants).to.deep.equal([
        one.id,
        two.id,
      ]);
      expect((await two.api('POST', '/v1/inferences', asked)).status).to.equal(202);
      const shown = await platform<Grants>('GET', `/v1/models/${name}/grants`);
      expect(shown.body.tenants).to.deep.equal([one.id, two.id]);
      expect((await setDefaults(one.api, name, { max_tokens: 1 })).status).to.equal(200);

      expect((await withdraw(platform, name, one.id)).body.tenants).to.deep.equal([two.id]);
      expectProblem(await one.api('POST', '/v1/inferences', asked), 404, 'model-not-found', '/model');
      expectProblem(await setDefaults(one.api, name, { max_tokens: 2 }), 404, 'model-not-found');
      expect((await two.api('POST', '/v1/inferences', asked)).status).to.equal(202);
      const twice = await withdraw(platform, name, one.id);
      expect([twice.status, twice.body.tenants]).to.deep.equal([200, [two.id]]);
    });

    it('that is granted to all is taken from one by granting it to the others by name', async () => {
      const { newTenant, asPlatform } = flow();
      const [keeps, loses, platform] = [await newTenant('Keeps'), await newTenant('Loses'), await asPlatform()];
      await platform('PUT', '/v1/models/for-all', { body: builtIn('tiny-writer') });
      for (const all of ['*', '%2A']) expect((await grant(platform, 'for-all', all)).body.tenants).to.deep.equal(['*']);
      expect((await get(loses.api, 'for-all')).status).to.equal(200);
      const refused = expectProblem(await withdraw(platform, 'for-all', loses.id), 409, 'granted-to-all');
      expect(refused.detail).to.contain('by name');
      await grant(platform, 'for-all', keeps.id);
      expect((await withdraw(platform, 'for-all', '%2A')).body.tenants).to.deep.equal([keeps.id]);
      expect((await get(keeps.api, 'for-all')).status).to.equal(200);
      expectProblem(await get(loses.api, 'for-all'), 404, 'model-not-found');
    });

    it('is granted and withdrawn by the platform alone, and only if it is there', async () => {
      const { newTenant, asPlatform } = flow();
      const [{ api, id }, platform] = [await newTenant('Graspers'), await asPlatform()];
      for (const refused of [
        await grant(api, 'tiny-writer', id),
        await withdraw(api, 'tiny-writer', '*'),
        await api('GET', '/v1/models/tiny-writer/grants'),
      ])
        expectProblem(refused, 403, 'forbidden');
      expectProblem(await grant(platform, 'absent', id), 404, 'model-not-found');
      expectProblem(await withdraw(platform, 'absent', id), 404, 'model-not-found');
      expectProblem(await platform('GET', '/v1/models/absent/grants'), 404, 'model-not-found');
      expectProblem(await grant(platform, 'tiny-writer', 'nobody'), 404, 'not-found');
      expectProblem(await grant(platform, 'tiny-writer', 'a%20b'), 422, 'invalid-request');
      // A tenant's own is nobody's to grant.
      await api('PUT', '/v1/models/private', { body: builtIn('tiny-writer') });
      expectProblem(await grant(platform, 'private', id), 404, 'model-not-found');
    });

    it('is changed by whoever holds the permission and says so, and by nobody else', async () => {
      const { api, newTenant } = flow();
      const headers = { 'x-tenant-id': 'platform' };
      const body = { ...builtIn('tiny-writer'), description: 'of the platform' };
      expect((await api('PUT', '/v1/models/said-so', { body, headers })).status).to.equal(201);
      expectProblem(await get(api, 'said-so'), 404, 'model-not-found');
      expect((await api<Model>('GET', '/v1/models/said-so', { headers })).body).to.include({ owned_by: 'platform' });
      const tenant = await newTenant('Pretenders');
      expectProblem(await tenant.api('PUT', '/v1/models/said-so', { body, headers }), 403, 'forbidden');
    });

    it('that comes with the program is retired for everyone, and comes back for everyone', async () => {
      const { newTenant, asPlatform } = flow();
      const [{ api }, platform] = [await newTenant('Users of it'), await asPlatform()];
      expect((await platform('DELETE', '/v1/models/tiny-writer')).status).to.equal(200);
      expectProblem(await get(api, 'tiny-writer'), 404, 'model-not-found');
      expectProblem(await api('POST', '/v1/models/tiny-writer/reinstate'), 404, 'model-not-found');
      expectProblem(await platform('GET', '/v1/models/tiny-writer/grants'), 404, 'model-not-found');
      expect((await platform('POST', '/v1/models/tiny-writer/reinstate')).status).to.equal(200);
      expect((await get(api, 'tiny-writer')).body).to.include({ owned_by: 'platform' });
      expect((await written(api, 'tiny-writer', { max_tokens: 3 })).output.text).to.have.length(3);
    });

    it('may be on this machine, and is called there, while a tenant may register no such thing', async () => {
      const { newTenant, asPlatform } = flow();
      const [{ api, id }, platform] = [await newTenant('Outsiders'), await asPlatform()];
      const upstream = await openOpenAiUpstream();
      try {
        const body = { runtime: 'openai', source: upstream.url };
        const refused = await api('PUT', '/v1/models/inside', { body });
        expectProblem(refused, 422, 'invalid-request', '/source');
        const made = await platform('PUT', '/v1/models/inside', { body });
        expect(made.status, JSON.stringify(made.body)).to.equal(201);
        await grant(platform, 'inside', id);
        const asked = { model: 'inside', messages: [{ role: 'user', content: 'hello' }] };
        const { body: accepted } = await api<{ id: string }>('POST', '/v1/inferences', { body: asked });
        const done = await api('GET', `/v1/inferences/${accepted.id}?wait=30s`);
        expect(done.body, JSON.stringify(done.body)).to.include({ status: 'completed' });
        expect(upstream.seen).to.have.length(1);
      } finally {
        await upstream.close();
      }
    });
  });

  describe('a path that ends like that of grants', () => {
    it('is theirs, and a name may still end like it when it is encoded', async () => {
      const { api } = flow();
      const wrong = await api('POST', '/v1/models/org/m/grants/t');
      expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'PUT, DELETE, OPTIONS']);
      expect((await api('PUT', '/v1/models/org/m/grants')).status).to.equal(405);
      const name = encodeURIComponent('org/grants/odd');
      expect((await api('PUT', `/v1/models/${name}`, { body: builtIn('tiny-writer') })).status).to.equal(201);
      expect((await get(api, name)).body.id).to.equal('org/grants/odd');
    });
  });
});
