import { expect } from 'chai';
import { ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import type { SignedIn } from '#contracts/people.ts';
import type { UserView } from '#contracts/users.ts';
import type { Api } from '../support/api-client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { joinTenant, mailedToken, MANY_SIGN_IN, someEmail, somePassword } from '../support/people.ts';
import { describeFlow } from './with-defter.ts';

interface Me {
  readonly id: string;
  readonly tenant: { readonly id: string };
  readonly tenants: readonly { readonly id: string; readonly role: string }[];
  readonly permissions: readonly string[];
}

describeFlow(
  'accepting an invitation',
  (flow) => {
    const stranger = () => flow().as(undefined);
    const accept = (api: Api, body: object) => api<SignedIn>('POST', '/v1/auth/invitation/accept', { body });
    const invite = (api: Api, email: string, role = 'member') =>
      api<UserView>('POST', '/v1/users', { body: { email, role, name: 'As they were invited', language: 'tr' } });
    const mailed = (email: string, known: readonly string[] = []) => mailedToken(flow().outbox, email, known);
    const login = (email: string, password: string) =>
      stranger()<SignedIn>('POST', '/v1/auth/login', { body: { email, password } });
    const expectSpent = async (token: string, api = stranger()) =>
      expectProblem(await accept(api, { token, name: 'Eve', password: somePassword() }), 410, 'token-spent');

    it('makes an account, and signs in to the tenant that invited', async () => {
      const tenant = await flow().newTenant('Welcoming');
      const [email, password] = [someEmail(), somePassword()];
      const invited = await invite(tenant.api, email);
      const token = await mailed(email);
      const body = { token, name: 'Ada Lovelace', password, language: 'en' };
      const accepted = await accept(stranger(), body);
      expect(accepted.status, JSON.stringify(accepted.body)).to.equal(200);
      expect(accepted.body).to.include({ tokenType: 'Bearer', expiresIn: 900 });
      expect(accepted.body).to.include.keys('accessToken', 'refreshToken', 'refreshExpiresIn');
      const me = flow().as(accepted.body.accessToken);
      const { body: who } = await me<Me>('GET', '/v1/me');
      expect(who).to.deep.include({
        kind: 'user',
        id: invited.body.id,
        name: 'Ada Lovelace',
        email,
        language: 'en',
        tenant: { id: tenant.id, name: 'Welcoming' },
        tenants: [{ id: tenant.id, name: 'Welcoming', role: 'member' }],
      });
      expect(who.permissions).to.have.members([...ROLE_PERMISSIONS.member]);
      const headers = { 'x-consistency-token': accepted.headers.get('x-consistency-token') ?? '' };
      expect((await me('GET', '/v1/models', { headers })).status).to.equal(200);
      expect((await tenant.api('GET', `/v1/users/${invited.body.id}`)).body).to.include({
        name: 'Ada Lovelace',
        status: 'active',
        membership: 'active',
        invitationExpiresAt: null,
      });
      expect((await login(email.toUpperCase(), password)).status).to.equal(200);
      await expectSpent(token);
      expectProblem(await tenant.api('POST', `/v1/users/${invited.body.id}/invitation`), 409, 'already-member');
      expectProblem(await tenant.api('DELETE', `/v1/users/${invited.body.id}/invitation`), 409, 'already-member');
      expectProblem(await invite(tenant.api, email), 409, 'already-member');
    });

    it('asks for a name and a good password, and is none the worse for a bad one', async () => {
      const tenant = await flow().newTenant('Patient');
      const email = someEmail();
      await invite(tenant.api, email);
      const token = await mailed(email);
      const { errors } = expectProblem(await accept(stranger(), { token }), 422, 'invalid-request', '/name');
      expect(errors?.map(({ pointer }) => pointer)).to.have.members(['/name', '/password']);
      for (const password of ['short', 'x'.repeat(257), 'passwordpassword', '123456789012'])
        expectProblem(await accept(stranger(), { token, name: 'Ada', password }), 422, 'invalid-request', '/password');
      expectProblem(
        await accept(stranger(), { token, name: '\u0007', password: somePassword() }),
        422,
        'invalid-request',
      );
      expect((await accept(stranger(), { token, name: 'Ada', password: somePassword() })).status).to.equal(200);
    });

    it('needs the newest link, that was not taken back, used or changed', async () => {
      const [tenant, other] = [await flow().newTenant('Changing'), await flow().newTenant('Unlike it')];
      const email = someEmail();
      const { body: invited } = await invite(tenant.api, email);
      const first = await mailed(email);
      await tenant.api('POST', `/v1/users/${invited.id}/invitation`);
      const second = await mailed(email, [first]);
      await expectSpent(first);
      await invite(other.api, email);
      const elsewhere = await mailed(email, [first, second]);
      const [head = '', mac = ''] = second.split('.');
      const forged = [
        `${head}.${elsewhere.split('.')[1]}`,
        `${elsewhere.split('.')[0]}.${mac}`,
        `${head}.${mac.slice(0, -2)}xx`,
        `${Buffer.from('invitation ../../x').toString('base64url')}.${mac}`,
        `${Buffer.from('invitation __proto__/constructor').toString('base64url')}.${mac}`,
        'nothing',
      ];
      for (const token of forged) await expectSpent(token);
      await tenant.api('DELETE', `/v1/users/${invited.id}/invitation`);
      await expectSpent(second);
      expect((await accept(stranger(), { token: elsewhere, name: 'Ada', password: somePassword() })).status).to.equal(
        200,
      );
      await expectSpent(elsewhere);
    });

    it('twice at once is done once', async () => {
      const tenant = await flow().newTenant('Hasty');
      for (let round = 0; round < 3; round++) {
        const [email, password] = [someEmail(), somePassword()];
        await invite(tenant.api, email);
        const token = await mailed(email);
        const both = await Promise.all(
          [password, somePassword()].map((one) => accept(stranger(), { token, name: 'Ada', password: one })),
        );
        const good = both.filter(({ status }) => status === 200);
        expect(good, JSON.stringify(both.map(({ body }) => body))).to.have.length(1);
        await expectSpent(token);
        const passwords = await login(email, password);
        expect(passwords.status).to.equal(both[0]?.status === 200 ? 200 : 401);
      }
    });

    it('by one who has an account is done signed in, and sets no password', async () => {
      const [one, two] = [await flow().newTenant('First home'), await flow().newTenant('Second home')];
      const [person, someone] = [
        await joinTenant(flow(), one.api, 'viewer'),
        await joinTenant(flow(), one.api, 'viewer'),
      ];
      const known = [await mailed(person.email)];
      const invited = await invite(two.api, person.email, 'admin');
      // What they are elsewhere is nothing to a tenant that they have not joined.
      const said = {
        name: 'As they were invited',
        language: 'tr',
        status: 'invited',
        role: 'admin',
        membership: 'offered',
      };
      expect(invited.body).to.deep.include({ id: person.id, email: person.email, ...said });
      const read = () => two.api<UserView>('GET', `/v1/users/${person.id}`);
      expect((await read()).body).to.deep.equal(invited.body);
      const token = await mailed(person.email, known);
      const body = { token, name: 'Eve', password: somePassword() };
      expectProblem(await accept(stranger(), body), 409, 'account-exists');
      expectProblem(await accept(stranger(), { ...body, password: person.password }), 409, 'account-exists');
      expectProblem(await accept(someone.api, body), 403, 'forbidden');
      expectProblem(await accept(flow().api, body), 403, 'forbidden');
      const accepted = await accept(person.api, body);
      expect(accepted.status, JSON.stringify(accepted.body)).to.equal(200);
      expect((await read()).body).to.include({ name: 'Ada', language: 'en', status: 'active', membership: 'active' });
      const { body: who } = await flow().as(accepted.body.accessToken)<Me>('GET', '/v1/me');
      expect(who).to.deep.include({ id: person.id, name: 'Ada' });
      expect(who.tenants.map(({ id, role }) => [id, role])).to.have.deep.members([
        [one.id, 'viewer'],
        [two.id, 'admin'],
      ]);
      expect((await login(person.email, person.password)).status).to.equal(200);
      expectProblem(await login(person.email, body.password), 401, 'invalid-credentials');
      // The session that they had goes on, and acts in either tenant.
      const inTwo = await person.api<Me>('GET', '/v1/me', { headers: { 'x-tenant-id': two.id } });
      expect(inTwo.body.permissions).to.have.members([...ROLE_PERMISSIONS.admin]);
      await expectSpent(token, person.api);
    });

    it('into the platform makes a platform administrator, by whoever is one', async () => {
      const { api, newTenant } = flow();
      const headers = { 'x-tenant-id': 'platform' };
      const [email, password] = [someEmail(), somePassword()];
      const asked = (body: object) => api<UserView>('POST', '/v1/users', { body, headers });
      for (const role of [undefined, 'admin', 'viewer'])
        expectProblem(await asked({ email, role }), 422, 'invalid-request', '/role');
      const tenant = await newTenant('No platform');
      const refused = await tenant.api('POST', '/v1/users', { body: { email, role: 'platform-admin' }, headers });
      expectProblem(refused, 403, 'forbidden');
      expect((await asked({ email, role: 'platform-admin' })).status).to.equal(201);
      const accepted = await accept(stranger(), { token: await mailed(email), name: 'Root', password });
      const { body: who } = await flow().as(accepted.body.accessToken)<Me>('GET', '/v1/me');
      expect(who.tenant.id).to.equal('platform');
      expect(who.permissions).to.have.members([...ROLE_PERMISSIONS['platform-admin']]);
      const elsewhere = { 'x-tenant-id': tenant.id };
      const users = await flow().as(accepted.body.accessToken)('GET', '/v1/users', { headers: elsewhere });
      expect(users.status).to.equal(200);
      expectProblem(await api('POST', `/v1/users/${who.id}/disable`), 409, 'is-platform-admin');
    });

    it('is not for one who was disabled meanwhile', async () => {
      const tenant = await flow().newTenant('Wary');
      const email = someEmail();
      const { body: invited } = await invite(tenant.api, email);
      const token = await mailed(email);
      await flow().api('POST', `/v1/users/${invited.id}/disable`);
      await expectSpent(token);
      await flow().api('POST', `/v1/users/${invited.id}/enable`);
      expect((await accept(stranger(), { token, name: 'Ada', password: somePassword() })).status).to.equal(200);
    });
  },
  { env: MANY_SIGN_IN, anyBus: true },
);
