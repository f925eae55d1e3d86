// Keys that people make: whose they are, and what becomes of them with their maker.

import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Api } from '../support/api-client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { signIn } from '../support/people.ts';
import { describeFlow } from './with-defter.ts';

interface Key {
  readonly id: string;
  readonly key: string | null;
  readonly createdBy: { readonly kind: string; readonly id: string };
  readonly personId: string | null;
}

const EMAIL = 'root@example.com';
const PASSWORD = `first ${randomBytes(12).toString('hex')}`;
const env = { ADMIN_EMAIL: EMAIL, ADMIN_PASSWORD: PASSWORD, LOGIN_LIMIT_PER_ADDRESS: '10000' };
const scopes = ['keys:write', 'keys:read', 'models:read'];

describeFlow(
  'a key that a person makes',
  (flow) => {
    const issue = (api: Api, body: object, headers: Record<string, string> = {}) =>
      api<Key>('POST', '/v1/api-keys', { body, headers });

    async function signInHere() {
      const { accessToken } = await signIn(flow().url, { email: EMAIL, password: PASSWORD });
      const api = flow().as(accessToken);
      return { api, id: (await api<{ id: string }>('GET', '/v1/me')).body.id };
    }

    it('is theirs, and so is one that such a key makes', async () => {
      const { api, id } = await signInHere();
      const made = await issue(api, { name: 'mine', scopes });
      expect(made.status, JSON.stringify(made.body)).to.equal(201);
      expect(made.body).to.deep.include({ createdBy: { kind: 'user', id }, personId: id });
      const heir = await issue(flow().as(made.body.key ?? ''), { name: 'heir', scopes: ['models:read'] });
      expect(heir.body).to.deep.include({ createdBy: { kind: 'api-key', id: made.body.id }, personId: id });
      const unowned = await issue(flow().api, { name: 'nobody’s' });
      expect(unowned.body.personId).to.equal(null);
      const rotated = await api<Key>('POST', `/v1/api-keys/${unowned.body.id}/rotate`);
      expect(rotated.body).to.deep.include({ createdBy: { kind: 'user', id }, personId: id });
    });

    it('is shown again to them, in another session too, and to nobody else', async () => {
      const [first, second] = [await signInHere(), await signInHere()];
      const keyed = { 'idempotency-key': randomUUID() };
      const made = await issue(first.api, { name: 'again' }, keyed);
      expect((await issue(second.api, { name: 'again' }, keyed)).body.key).to.equal(made.body.key);
      expect((await issue(flow().api, { name: 'again' }, keyed)).body).to.include({ id: made.body.id, key: null });
    });

    it('is of a tenant that is suspended, and then lets nobody in but the platform', async () => {
      const { api, newTenant, as } = flow();
      const [root, tenant] = [await signInHere(), await newTenant('Suspended')];
      const made = await issue(root.api, { name: 'there', scopes }, { 'x-tenant-id': tenant.id });
      const reason = 'We ask first.';
      expect((await api('POST', `/v1/tenants/${tenant.id}/suspend`, { body: { reason } })).status).to.equal(200);
      const refused = expectProblem(await as(made.body.key ?? '')('GET', '/v1/models'), 403, 'tenant-suspended');
      expect(refused.detail).to.include(reason);
      const there = { headers: { 'x-tenant-id': tenant.id } };
      expect((await root.api('GET', '/v1/models', there)).status).to.equal(200);
    });
  },
  { env, anyBus: true },
);
