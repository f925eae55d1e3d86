// What becomes of a tenant: it is renamed, suspended, let in again, limited and counted.

import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Api, ApiAnswer } from '../support/api-client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string | null;
  readonly limits: { readonly requestsPerMinute: number | null };
  readonly counts: { readonly people: number; readonly apiKeys: number; readonly models: number };
}

const create = (api: Api, name: string) => api<Tenant>('POST', '/v1/tenants', { body: { name } });
const rename = (api: Api, id: string, name: string, headers: Record<string, string> = {}) =>
  api<Tenant>('PATCH', `/v1/tenants/${id}`, { body: { name }, headers });
const read = (api: Api, id: string) => api<Tenant>('GET', `/v1/tenants/${id}`);
const tokenOf = (answer: ApiAnswer<unknown>) => ({
  'x-consistency-token': answer.headers.get('x-consistency-token') ?? '',
});

describeFlow('the life of a tenant', (flow) => {
  describe('a tenant that is renamed', () => {
    it('keeps its id, and its old name is free at once', async () => {
      const { api } = flow();
      const { body: made } = await create(api, 'Before');
      const renamed = await rename(api, made.id, 'After', { 'if-match': '"0"' });
      expect(renamed.status, JSON.stringify(renamed.body)).to.equal(200);
      expect(renamed.body).to.deep.include({ id: made.id, name: 'After', status: 'active' });
      expect((await read(api, made.id)).body).to.deep.include(renamed.body);
      expectProblem(await create(api, 'AFTER'), 409, 'name-taken', '/name');
      expect((await create(api, 'before')).status).to.equal(201);
      expectProblem(await rename(api, made.id, 'Before'), 409, 'name-taken', '/name');
      expectProblem(await rename(api, made.id, 'Later', { 'if-match': '"0"' }), 412, 'revision-mismatch');
      const again = await rename(api, made.id, 'after');
      expect([again.status, again.body.name]).to.deep.equal([200, 'after']);
    });

    it('is renamed by its own administrator, and by no other tenant’s', async () => {
      const { newTenant } = flow();
      const [one, two] = [await newTenant('Renamers'), await newTenant('Renamed')];
      expect((await rename(one.api, one.id, 'Renamers 2')).status).to.equal(200);
      expectProblem(await rename(one.api, two.id, 'Mine now'), 404, 'not-found');
      const { api: reader, id } = await newTenant('Readers', ['tenants:read']);
      expectProblem(await rename(reader, id, 'Readers 2'), 403, 'forbidden');
    });

    it('is renamed once under one Idempotency-Key, whatever it is called since', async () => {
      const { api } = flow();
      const { body: made } = await create(api, 'Twice named');
      const keyed = { 'idempotency-key': randomUUID() };
      const first = await rename(api, made.id, 'Once', keyed);
      await rename(api, made.id, 'Since');
      const again = await rename(api, made.id, 'Once', keyed);
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      expect(again.body).to.deep.equal(first.body);
      expect((await read(api, made.id)).body.name).to.equal('Since');
    });

    it('shares its new name with nobody, though many want it at once and others give it up', async function () {
      this.timeout(60_000);
      const { api } = flow();
      const ids: string[] = [];
      for (let n = 0; n < 4; n++) ids.push((await create(api, `Racer ${n}`)).body.id);
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(ids.map((id) => rename(api, id, `Trophy ${round % 2}`)));
        const winners = answers.filter(({ status }) => status === 200);
        for (const { status } of answers) expect(status).to.be.oneOf([200, 409]);
        const names = (await Promise.all(ids.map((id) => read(api, id)))).map(({ body }) => body.name);
        expect(new Set(names).size, names.join()).to.equal(ids.length);
        expect(names.filter((name) => name === `Trophy ${round % 2}`)).to.have.length(1);
        expect(winners.length).to.be.greaterThan(0);
      }
    });

    it('may not look like another, nor like nothing', async () => {
      const { api } = flow();
      expect((await create(api, 'Look alike')).status).to.equal(201);
      for (const name of ['look  alike', 'Look\u00a0alike', 'Ｌook alike', 'Lo\u200dok alike'])
        expectProblem(await create(api, name), 409, 'name-taken', '/name');
      for (const name of [
        '\u200b',
        '\u2800',
        '\u3164',
        'Look\u200b alike',
        '\u202eLook alike',
        'a\u2066b',
        '\ufeffx',
        'x\u00ad',
      ])
        expectProblem(await create(api, name), 422, 'invalid-request', '/name');
      expect((await create(api, 'می\u200cخواهم ❤️')).status).to.equal(201);
    });
  });

  describe('a tenant that is suspended', () => {
    it('keeps all that it has, its name too, and is as before once it is reinstated', async () => {
      const { api, newTenant } = flow();
      const tenant = await newTenant('Debtors');
      const other = await newTenant('Others');
      expect((await tenant.api('GET', '/v1/models')).status).to.equal(200);
      const suspend = (reason: string) => api<Tenant>('POST', `/v1/tenants/${tenant.id}/suspend`, { body: { reason } });
      const suspended = await suspend('The invoice of March is open.');
      expect(suspended.status, JSON.stringify(suspended.body)).to.equal(200);
      expect(suspended.body).to.include({ status: 'suspended', reason: 'The invoice of March is open.' });
      const refused = expectProblem(await tenant.api('GET', '/v1/models'), 403, 'tenant-suspended');
      expect(refused.detail).to.include('The invoice of March is open.');
      expect((await other.api('GET', '/v1/models')).status).to.equal(200);
      expectProblem(await create(api, 'debtors'), 409, 'name-taken', '/name');
      const unchanged = await suspend('The invoice of March is open.');
      expect(unchanged.headers.get('etag')).to.equal(suspended.headers.get('etag'));
      expect((await read(api, tenant.id)).body).to.deep.include(suspended.body);
      const back = await api<Tenant>('POST', `/v1/tenants/${tenant.id}/reinstate`);
      expect(back.body).to.include({ status: 'active', reason: null });
      expect((await tenant.api('GET', '/v1/models')).status).to.equal(200);
    });

    it('and a model that is withdrawn, and a key that was rotated, are so though Redis was emptied', async function () {
      const { api, newTenant, asPlatform, as, loseDocuments } = flow();
      if (loseDocuments === undefined) this.skip();
      this.timeout(60_000);
      const [shut, open, platform] = [await newTenant('Shut out'), await newTenant('Still in'), await asPlatform()];
      const model = { runtime: 'tensorflow', source: 'language-id' };
      expect((await platform('PUT', '/v1/models/lent', { body: model })).status).to.equal(201);
      for (const id of [open.id, shut.id])
        expect((await platform('PUT', `/v1/models/lent/grants/${id}`)).status).to.equal(200);
      const lasting = await newTenant('Left without it');
      await platform('PUT', `/v1/models/lent/grants/${lasting.id}`);
      await platform('DELETE', `/v1/models/lent/grants/${lasting.id}`);
      const key = await open.api<{ id: string; key: string }>('POST', '/v1/api-keys', { body: { name: 'old' } });
      const rotation = { body: { overlap: '0s' } };
      const next = await open.api<{ key: string }>('POST', `/v1/api-keys/${key.body.id}/rotate`, rotation);
      expect(next.status).to.equal(201);
      expect((await api('POST', `/v1/tenants/${shut.id}/suspend`)).status).to.equal(200);
      await loseDocuments();
      const asked = { body: { model: 'lent', input: 'where?' } };
      expectProblem(await shut.api('POST', '/v1/inferences', asked), 403, 'tenant-suspended');
      expect((await open.api('POST', '/v1/inferences', asked)).status).to.equal(202);
      expectProblem(await lasting.api('POST', '/v1/inferences', asked), 404, 'model-not-found', '/model');
      expectProblem(await as(key.body.key)('GET', '/v1/models'), 401, 'unauthorized');
      expect((await as(next.body.key)('POST', '/v1/inferences', asked)).status).to.equal(202);
    });

    it('is not the platform, and is suspended by the platform alone', async () => {
      const { api, newTenant } = flow();
      const { api: own, id } = await newTenant('Meek');
      const refused = expectProblem(await api('POST', '/v1/tenants/platform/suspend'), 409, 'conflict');
      expect(refused.detail).to.include('platform');
      for (const act of ['suspend', 'reinstate'])
        expectProblem(await own('POST', `/v1/tenants/${id}/${act}`), 403, 'forbidden');
      expectProblem(await own('PUT', `/v1/tenants/${id}/limits`, { body: { requestsPerMinute: 9 } }), 403, 'forbidden');
      for (const act of ['suspend', 'reinstate'])
        expectProblem(await api('POST', `/v1/tenants/nobody/${act}`), 404, 'not-found');
      expectProblem(await rename(api, 'nobody', 'Nobody'), 404, 'not-found');
    });
  });

  describe('a tenant', () => {
    it('has limits of its own, or none', async () => {
      const { api } = flow();
      const { body: made } = await create(api, 'Limited');
      expect(made.limits).to.deep.equal({ requestsPerMinute: null });
      const set = (requestsPerMinute: unknown) =>
        api<Tenant>('PUT', `/v1/tenants/${made.id}/limits`, { body: { requestsPerMinute } });
      expect((await set(600)).body.limits).to.deep.equal({ requestsPerMinute: 600 });
      expect((await read(api, made.id)).body.limits).to.deep.equal({ requestsPerMinute: 600 });
      for (const wrong of [0, -1, 1.5, '5', undefined])
        expectProblem(await set(wrong), 422, 'invalid-request', '/requestsPerMinute');
      expect((await set(null)).body.limits).to.deep.equal({ requestsPerMinute: null });
    });

    it('is listed with how much it has', async () => {
      const { api, newTenant } = flow();
      const tenant = await newTenant('Counted');
      const model = { runtime: 'tensorflow', source: 'language-id' };
      await tenant.api('PUT', '/v1/models/one', { body: model });
      await tenant.api('PUT', '/v1/models/two', { body: model });
      await tenant.api('DELETE', '/v1/models/two');
      const gone = await tenant.api<{ id: string }>('POST', '/v1/api-keys', { body: { name: 'gone' } });
      const last = await tenant.api('DELETE', `/v1/api-keys/${gone.body.id}`);
      const counts = { people: 0, apiKeys: 1, models: 1 };
      const own = await tenant.api<Tenant>('GET', `/v1/tenants/${tenant.id}`, { headers: tokenOf(last) });
      expect(own.body.counts).to.deep.equal(counts);
      const list = await api<{ data: Tenant[] }>('GET', '/v1/tenants?limit=100');
      expect(list.body.data.find(({ id }) => id === tenant.id)?.counts).to.deep.equal(counts);
    });
  });
});
