// What becomes of an API key: which models it may use, who made it, when it was used, and what takes its place.

import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Api } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

interface Key {
  readonly id: string;
  readonly key: string | null;
  readonly name: string;
  readonly scopes: string[];
  readonly models: string[] | null;
  readonly status: string;
  readonly expiresAt: string | null;
  readonly limits: { readonly requestsPerMinute: number | null };
  readonly createdAt: string;
  readonly createdBy: { readonly kind: string; readonly id: string };
  readonly personId: string | null;
  readonly successor: string | null;
  readonly lastUsedAt: string | null;
}

const issue = (api: Api, body: object, headers: Record<string, string> = {}) =>
  api<Key>('POST', '/v1/api-keys', { body, headers });
const read = async (api: Api, id: string) => (await api<Key>('GET', `/v1/api-keys/${id}`)).body;
const rotate = (api: Api, id: string, body: object = {}, headers: Record<string, string> = {}) =>
  api<Key>('POST', `/v1/api-keys/${id}/rotate`, { body, headers });

describeFlow('the life of a key', (flow) => {
  describe('a key that names models', () => {
    it('uses those and sees those, and is told which one it may not use', async () => {
      const { api, as } = flow();
      const made = await issue(api, { name: 'narrow', models: ['language-id', 'absent'] });
      expect(made.body.models).to.deep.equal(['language-id', 'absent']);
      const narrow = as(made.body.key ?? '');
      const ask = (model: string) => narrow('POST', '/v1/inferences', { body: { model, input: 'where?' } });
      expect((await ask('language-id')).status).to.equal(202);
      const refused = expectProblem(await ask('tiny-writer'), 403, 'forbidden', '/model');
      expect(refused.detail).to.include('tiny-writer');
      expectProblem(await ask('no-such-model'), 403, 'forbidden', '/model');
      const missing = expectProblem(await ask('absent'), 404, 'model-not-found', '/model');
      expect(missing.detail).to.equal('There is no model absent.');
      const list = await narrow<{ data: { id: string }[] }>('GET', '/v1/models');
      expect(list.body.data.map(({ id }) => id)).to.deep.equal(['language-id']);
      expect((await narrow('GET', '/v1/models/language-id')).status).to.equal(200);
      expectProblem(await narrow('GET', '/v1/models/tiny-writer'), 404, 'model-not-found');
      for (const models of [[], ['a', 'a'], ['no good'], 'language-id'])
        expect((await issue(api, { name: 'bad', models })).status, JSON.stringify(models)).to.equal(422);
    });

    it('makes none that may use more', async () => {
      const { api, as } = flow();
      const scopes = ['keys:write', 'keys:read', 'inference:write'];
      const maker = as((await issue(api, { name: 'maker', scopes, models: ['a', 'b'] })).body.key ?? '');
      expect((await issue(maker, { name: 'heir' })).body.models).to.deep.equal(['a', 'b']);
      expect((await issue(maker, { name: 'less', models: ['b'] })).body.models).to.deep.equal(['b']);
      expectProblem(await issue(maker, { name: 'more', models: ['b', 'c'] }), 403, 'forbidden', '/models/1');
      const wide = await issue(api, { name: 'wide', scopes: ['inference:write'] });
      expectProblem(await rotate(maker, wide.body.id), 403, 'forbidden');
    });
  });

  describe('a key', () => {
    it('says who made it, and when it was last used', async () => {
      const { api, as } = flow();
      const { body: me } = await api<{ id: string }>('GET', '/v1/me');
      const made = await issue(api, { name: 'seen', scopes: ['models:read'] });
      expect(made.body).to.deep.include({
        createdBy: { kind: 'api-key', id: me.id },
        personId: null,
        lastUsedAt: null,
      });
      expect((await read(api, made.body.id)).lastUsedAt).to.equal(null);
      await as(made.body.key ?? '')('GET', '/v1/models');
      await eventually(async () => {
        const { lastUsedAt } = await read(api, made.body.id);
        expect(Date.parse(lastUsedAt ?? '')).to.be.at.least(Date.parse(made.body.createdAt));
      }, 10_000);
      const list = await api<{ data: Key[] }>('GET', '/v1/api-keys?limit=100');
      expect(list.body.data.find(({ id }) => id === made.body.id)?.lastUsedAt).to.be.a('string');
    });

    it('is shown again to who asked for it, and to nobody else, by the same Idempotency-Key', async () => {
      const { api, as } = flow();
      const keyed = { 'idempotency-key': randomUUID() };
      const body = { name: 'again' };
      const first = await issue(api, body, keyed);
      expect((await issue(api, body, keyed)).body.key).to.equal(first.body.key);
      const colleague = as((await issue(api, { name: 'colleague', scopes: ['keys:write'] })).body.key ?? '');
      const seen = await issue(colleague, body, keyed);
      expect([seen.status, seen.body.id, seen.body.key]).to.deep.equal([201, first.body.id, null]);
    });

    it('has limits set by others, never by itself', async () => {
      const { api, as } = flow();
      const made = await issue(api, { name: 'limited', scopes: ['keys:write'] });
      const set = (by: Api, requestsPerMinute: unknown) =>
        by<Key>('PUT', `/v1/api-keys/${made.body.id}/limits`, { body: { requestsPerMinute } });
      expect((await set(api, 60)).body.limits).to.deep.equal({ requestsPerMinute: 60 });
      expect((await read(api, made.body.id)).limits).to.deep.equal({ requestsPerMinute: 60 });
      expectProblem(await set(as(made.body.key ?? ''), null), 403, 'forbidden');
      expectProblem(await set(api, 0), 422, 'invalid-request', '/requestsPerMinute');
      await api('DELETE', `/v1/api-keys/${made.body.id}`);
      expectProblem(await set(api, 5), 409, 'conflict');
    });
  });

  describe('limits that are set', () => {
    const ask = async (api: Api, times: number) => {
      const statuses: number[] = [];
      for (let n = 0; n < times; n++) statuses.push((await api('GET', '/v1/models')).status);
      return statuses;
    };

    it('hold for the key, and for all keys of the tenant together, from the answer on', async () => {
      const { api, newTenant, as } = flow();
      const tenant = await newTenant('Hasty');
      const made = await issue(tenant.api, { name: 'hasty', scopes: ['models:read'] });
      const hasty = as(made.body.key ?? '');
      expect(await ask(hasty, 3)).to.deep.equal([200, 200, 200]);
      const limit = { requestsPerMinute: 2 };
      expect((await api('PUT', `/v1/api-keys/${made.body.id}/limits`, { body: limit })).status).to.equal(200);
      expect(await ask(hasty, 3)).to.deep.equal([200, 200, 429]);
      expect(await ask(tenant.api, 3)).to.deep.equal([200, 200, 200]);
      const other = await newTenant('Hasty too');
      const second = await issue(other.api, { name: 'second', scopes: ['models:read'] });
      expect((await api('PUT', `/v1/tenants/${other.id}/limits`, { body: limit })).status).to.equal(200);
      expect(await ask(as(second.body.key ?? ''), 1)).to.deep.equal([200]);
      expect(await ask(other.api, 2)).to.deep.equal([200, 429]);
      await api('PUT', `/v1/tenants/${other.id}/limits`, { body: { requestsPerMinute: null } });
      expect(await ask(other.api, 2)).to.deep.equal([200, 200]);
    });
  });

  describe('a key that is rotated', () => {
    it('is good beside its successor, which is like it, for as long as was said', async () => {
      const { api, as } = flow();
      const made = await issue(api, { name: 'old', scopes: ['models:read'], models: ['language-id'] });
      await api('PUT', `/v1/api-keys/${made.body.id}/limits`, { body: { requestsPerMinute: 500 } });
      const next = await rotate(api, made.body.id, { overlap: '2s' });
      expect(next.status, JSON.stringify(next.body)).to.equal(201);
      expect(next.headers.get('location')).to.equal(`/v1/api-keys/${next.body.id}`);
      expect(next.body).to.deep.include({
        name: 'old',
        scopes: ['models:read'],
        models: ['language-id'],
        expiresAt: null,
        limits: { requestsPerMinute: 500 },
        successor: null,
      });
      const statuses = async () =>
        Promise.all([made, next].map(async ({ body }) => (await as(body.key ?? '')('GET', '/v1/models')).status));
      expect(await statuses()).to.deep.equal([200, 200]);
      const old = await read(api, made.body.id);
      expect(old).to.include({ successor: next.body.id, status: 'active' });
      await eventually(async () => expect(await statuses()).to.deep.equal([401, 200]), 10_000);
      expect(Date.now()).to.be.at.least(Date.parse(old.expiresAt ?? ''));
    });

    it('without a word of the overlap is good for a day, and never longer than it was', async () => {
      const { api } = flow();
      const soon = new Date(Date.now() + 3_600_000).toISOString();
      const [lasting, brief] = [await issue(api, { name: 'l' }), await issue(api, { name: 'b', expiresAt: soon })];
      const rotated = await api<Key>('POST', `/v1/api-keys/${lasting.body.id}/rotate`);
      expect(rotated.status).to.equal(201);
      const left = Date.parse((await read(api, lasting.body.id)).expiresAt ?? '') - Date.now();
      expect(left).to.be.within(86_400_000 - 60_000, 86_400_000);
      const next = await rotate(api, brief.body.id, { overlap: '30d' });
      expect((await read(api, brief.body.id)).expiresAt).to.equal(soon);
      // Its successor lives as long as it was to.
      const life = Date.parse(next.body.expiresAt ?? '') - Date.parse(next.body.createdAt);
      expect(life).to.be.within(3_600_000 - 60_000, 3_600_000 + 60_000);
      for (const overlap of ['31d', '5', '-1s', 5])
        expectProblem(await rotate(api, lasting.body.id, { overlap }), 422, 'invalid-request', '/overlap');
    });

    it('is rotated once, though two do it at once, and its repeat is the same', async () => {
      const { api, as } = flow();
      const made = await issue(api, { name: 'contended' });
      const answers = await Promise.all([rotate(api, made.body.id), rotate(api, made.body.id)]);
      expect(answers.map(({ status }) => status)).to.have.members([201, 409]);
      const { successor } = await read(api, made.body.id);
      expect(answers.find(({ status }) => status === 201)?.body.id).to.equal(successor);
      const list = await api<{ data: Key[] }>('GET', '/v1/api-keys?limit=100');
      await eventually(async () => {
        const { data } = (await api<{ data: Key[] }>('GET', '/v1/api-keys?limit=100')).body;
        expect(data.filter(({ name }) => name === 'contended')).to.have.length(2);
      });
      expect(list.status).to.equal(200);
      const keyed = { 'idempotency-key': randomUUID() };
      const first = await rotate(api, successor ?? '', {}, keyed);
      const again = await rotate(api, successor ?? '', {}, keyed);
      expect(again.body).to.deep.equal(first.body);
      expect((await as(again.body.key ?? '')('GET', '/v1/models')).status).to.equal(200);
    });

    it('is active, the caller’s to see, and holds nothing that the caller lacks', async () => {
      const { api, newTenant } = flow();
      const tenant = await newTenant('Rotators', ['keys:write', 'models:read']);
      const mighty = await issue(api, { name: 'mighty', scopes: ['inference:write'], tenantId: tenant.id });
      const refused = expectProblem(await rotate(tenant.api, mighty.body.id), 403, 'forbidden');
      expect(refused.detail).to.include('inference:write');
      const foreign = await issue(api, { name: 'foreign', scopes: ['models:read'] });
      expectProblem(await rotate(tenant.api, foreign.body.id), 404, 'not-found');
      expect((await rotate(api, mighty.body.id)).status).to.equal(201);
      await api('DELETE', `/v1/api-keys/${foreign.body.id}`);
      expectProblem(await rotate(api, foreign.body.id), 409, 'conflict');
    });
  });
});
