import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import type { SignedIn } from '#contracts/people.ts';
import type { UserView } from '#contracts/users.ts';
import type { Api } from '../support/api-client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { joinTenant, MANY_SIGN_IN, type Person } from '../support/people.ts';
import { describeFlow } from './with-defter.ts';

interface Key {
  readonly id: string;
  readonly key: string;
  readonly status: string;
}
interface Removed {
  readonly apiKeys: readonly Key[];
}

describeFlow(
  'roles in a tenant',
  (flow) => {
    const join = (inviter: Api, role: 'admin' | 'member' | 'viewer') => joinTenant(flow(), inviter, role);
    const setRole = (api: Api, id: string, tenantId: string, role: string) =>
      api('PUT', `/v1/users/${id}/roles/${tenantId}`, { body: { role } });
    const remove = (api: Api, id: string, tenantId: string, query = '') =>
      api<Removed>('DELETE', `/v1/users/${id}/roles/${tenantId}${query}`);
    const permissionsOf = async ({ api }: Person) =>
      (await api<{ permissions: string[] }>('GET', '/v1/me')).body.permissions;
    const submit = (api: Api) =>
      api('POST', '/v1/inferences', { body: { model: 'language-id', input: 'Wer darf das?' } });
    const newKey = (api: Api, scopes: readonly string[]) =>
      api<Key>('POST', '/v1/api-keys', { body: { name: 'theirs', scopes } });

    it('hold from the answer on, whichever way they are changed', async function () {
      this.timeout(60_000);
      const tenant = await flow().newTenant('Promoters');
      const person = await join(tenant.api, 'viewer');
      for (let round = 0; round < 3; round++) {
        expectProblem(await submit(person.api), 403, 'forbidden');
        expect((await setRole(tenant.api, person.id, tenant.id, 'member')).status).to.equal(200);
        expect((await submit(person.api)).status).to.equal(202);
        expect((await setRole(tenant.api, person.id, tenant.id, 'admin')).status).to.equal(200);
        expect(await permissionsOf(person)).to.have.members([...ROLE_PERMISSIONS.admin]);
        await setRole(tenant.api, person.id, tenant.id, 'admin');
        const other = await join(person.api, 'admin');
        expect((await setRole(other.api, person.id, tenant.id, 'viewer')).status).to.equal(200);
        expect(await permissionsOf(person)).to.have.members([...ROLE_PERMISSIONS.viewer]);
      }
    });

    it('of one tenant are nothing in another', async () => {
      const [one, two] = [await flow().newTenant('Ours'), await flow().newTenant('Theirs')];
      const [admin, stranger] = [await join(one.api, 'admin'), await join(two.api, 'member')];
      const theirs = { 'x-tenant-id': two.id };
      expectProblem(await setRole(admin.api, stranger.id, two.id, 'viewer'), 404, 'not-found');
      expectProblem(await setRole(admin.api, stranger.id, one.id, 'viewer'), 404, 'not-found');
      expectProblem(await setRole(admin.api, admin.id, two.id, 'admin'), 404, 'not-found');
      expectProblem(await remove(admin.api, stranger.id, two.id), 404, 'not-found');
      expectProblem(await admin.api('GET', `/v1/users/${stranger.id}`), 404, 'not-found');
      expectProblem(await admin.api('GET', '/v1/users', { headers: theirs }), 403, 'forbidden');
      for (const verb of ['disable', 'enable', 'unlock'])
        expectProblem(await admin.api('POST', `/v1/users/${stranger.id}/${verb}`), 403, 'forbidden');
      expect((await submit(stranger.api)).status).to.equal(202);
    });

    it('are given by the platform to who has an account, without asking', async () => {
      const [one, two] = [await flow().newTenant('Lending'), await flow().newTenant('Borrowing')];
      const person = await join(one.api, 'member');
      const headers = { 'x-tenant-id': two.id };
      expectProblem(await person.api('GET', '/v1/models', { headers }), 403, 'forbidden');
      const given = await setRole(flow().api, person.id, two.id, 'viewer');
      expect(given.body).to.deep.equal({ id: two.id, name: 'Borrowing', role: 'viewer' });
      expect((await person.api('GET', '/v1/models', { headers })).status).to.equal(200);
      expect((await two.api<UserView>('GET', `/v1/users/${person.id}`)).body).to.include({
        role: 'viewer',
        membership: 'active',
        invitationExpiresAt: null,
      });
      const again = { 'idempotency-key': randomUUID() };
      const [first, second] = [
        await flow().api('PUT', `/v1/users/${person.id}/roles/${two.id}`, { body: { role: 'member' }, headers: again }),
        await flow().api('PUT', `/v1/users/${person.id}/roles/${two.id}`, { body: { role: 'member' }, headers: again }),
      ];
      expect(second.body).to.deep.equal(first.body);
      expect(second.headers.get('idempotent-replayed')).to.equal('true');
    });

    it('end for good, and at once, in that tenant only', async () => {
      const [one, two] = [await flow().newTenant('Parting'), await flow().newTenant('Keeping')];
      const person = await join(one.api, 'member');
      await setRole(flow().api, person.id, two.id, 'member');
      expect((await remove(one.api, person.id, one.id)).status).to.equal(200);
      expectProblem(await submit(person.api), 403, 'forbidden');
      const headers = { 'x-tenant-id': two.id };
      expect((await person.api('GET', '/v1/models', { headers })).status).to.equal(200);
      expectProblem(await setRole(one.api, person.id, one.id, 'viewer'), 404, 'not-found');
      const invited = await one.api<UserView>('POST', '/v1/users', { body: { email: person.email } });
      expect(invited.body).to.include({ id: person.id, status: 'invited', membership: 'offered' });
      expectProblem(await submit(person.api), 403, 'forbidden');
    });

    it('never leave a tenant without an administrator', async () => {
      const tenant = await flow().newTenant('Governed');
      const [one, two] = [await join(tenant.api, 'admin'), await join(tenant.api, 'admin')];
      expect((await remove(two.api, one.id, tenant.id)).status).to.equal(200);
      for (const api of [two.api, tenant.api, flow().api]) {
        expectProblem(await remove(api, two.id, tenant.id), 409, 'last-admin');
        expectProblem(await setRole(api, two.id, tenant.id, 'member'), 409, 'last-admin');
      }
      expect(await permissionsOf(two)).to.have.members([...ROLE_PERMISSIONS.admin]);
      const three = await join(two.api, 'viewer');
      expect((await setRole(two.api, three.id, tenant.id, 'admin')).status).to.equal(200);
      expect((await setRole(two.api, two.id, tenant.id, 'viewer')).status).to.equal(200);
    });

    it('taken by two administrators from each other at once are taken from one', async function () {
      this.timeout(60_000);
      for (let round = 0; round < 4; round++) {
        const tenant = await flow().newTenant(`Rivals ${round}`);
        const [one, two] = [await join(tenant.api, 'admin'), await join(tenant.api, 'admin')];
        const both = await Promise.all([
          setRole(one.api, two.id, tenant.id, 'viewer'),
          round % 2 ? remove(two.api, one.id, tenant.id) : setRole(two.api, one.id, tenant.id, 'member'),
        ]);
        expect(both.map(({ status }) => status).filter((status) => status === 200)).to.have.length(1);
        const { body } = await tenant.api<{ data: UserView[] }>('GET', '/v1/users');
        expect(body.data.filter(({ role }) => role === 'admin')).to.have.length(1);
      }
    });

    it('of the platform are one, in its own tenant, and who has it is not disabled', async () => {
      const { api } = flow();
      const tenant = await flow().newTenant('Staff');
      const person = await join(tenant.api, 'admin');
      expectProblem(await setRole(person.api, person.id, 'platform', 'platform-admin'), 404, 'not-found');
      expect((await setRole(api, person.id, 'platform', 'platform-admin')).status).to.equal(200);
      expect(await permissionsOf(person)).to.have.members([...ROLE_PERMISSIONS['platform-admin']]);
      expectProblem(await api('POST', `/v1/users/${person.id}/disable`), 409, 'is-platform-admin');
      expect((await person.api('GET', `/v1/users/${person.id}`)).body).to.include({ role: 'admin' });
      const second = await join(tenant.api, 'viewer');
      await setRole(person.api, second.id, 'platform', 'platform-admin');
      expect((await remove(second.api, person.id, 'platform')).status).to.equal(200);
      expect(await permissionsOf(person)).to.have.members([...ROLE_PERMISSIONS.admin]);
      expect((await api('POST', `/v1/users/${person.id}/disable`)).status).to.equal(200);
    });

    it('and all else end at once for a person who is disabled, and come back with them', async () => {
      const tenant = await flow().newTenant('Strict');
      const person = await join(tenant.api, 'admin');
      const key = flow().as((await newKey(person.api, ['models:read'])).body.key);
      expect((await key('GET', '/v1/models')).status).to.equal(200);
      expect((await flow().api('POST', `/v1/users/${person.id}/disable`)).status).to.equal(200);
      expect((await person.api('GET', '/v1/me')).status).to.equal(401);
      expectProblem(await key('GET', '/v1/models'), 401, 'unauthorized');
      const login = () =>
        flow().as(undefined)<SignedIn>('POST', '/v1/auth/login', {
          body: { email: person.email, password: person.password },
        });
      expectProblem(await login(), 401, 'invalid-credentials');
      expect((await flow().api('POST', `/v1/users/${person.id}/enable`)).status).to.equal(200);
      expect((await key('GET', '/v1/models')).status).to.equal(200);
      expect((await person.api('GET', '/v1/me')).status).to.equal(401);
      expect((await login()).status).to.equal(200);
    });

    it('bound the keys that a person made; whoever takes the person out is shown them, and may revoke them', async () => {
      const tenant = await flow().newTenant('Key holders');
      const other = await flow().newTenant('Other key holders');
      const person = await join(tenant.api, 'admin');
      await setRole(flow().api, person.id, other.id, 'admin');
      const made = [await newKey(person.api, ['models:read']), await newKey(person.api, ['inference:write'])];
      const elsewhere = await person.api<Key>('POST', '/v1/api-keys', {
        body: { name: 'elsewhere', scopes: ['models:read'] },
        headers: { 'x-tenant-id': other.id },
      });
      expect([...made, elsewhere].map(({ status }) => status)).to.deep.equal([201, 201, 201]);
      const keys = made.map(({ body }) => flow().as(body.key));
      await join(tenant.api, 'admin');
      expect((await setRole(tenant.api, person.id, tenant.id, 'viewer')).status).to.equal(200);
      expect((await keys[0]?.('GET', '/v1/models'))?.status).to.equal(200);
      expectProblem(await submit(keys[1] ?? flow().api), 403, 'forbidden');
      const kept = await remove(tenant.api, person.id, tenant.id);
      expect(kept.body.apiKeys.map(({ id, status }) => [id, status])).to.have.deep.members(
        made.map(({ body }) => [body.id, 'active']),
      );
      expect(JSON.stringify(kept.body)).not.to.include(made[0]?.body.key);
      expectProblem((await keys[0]?.('GET', '/v1/models')) ?? kept, 403, 'forbidden');
      expect((await flow().as(elsewhere.body.key)('GET', '/v1/models')).status).to.equal(200);
      const revoked = await remove(tenant.api, person.id, tenant.id, '?keys=revoke');
      expect(revoked.body.apiKeys.map(({ status }) => status)).to.deep.equal(['revoked', 'revoked']);
      expectProblem((await keys[0]?.('GET', '/v1/models')) ?? kept, 401, 'unauthorized');
      expect((await flow().as(elsewhere.body.key)('GET', '/v1/models')).status).to.equal(200);
    });
  },
  { env: MANY_SIGN_IN },
);
