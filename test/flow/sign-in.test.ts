// Signing in as people do it, from the first administrator on.

import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { SignedIn } from '#contracts/people.ts';
import { PERMISSIONS } from '#contracts/permissions.ts';
import type { SessionView } from '#contracts/sign-in.ts';
import type { Api } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

const EMAIL = 'Root@Example.com';
const FIRST_PASSWORD = `first ${randomBytes(12).toString('hex')}`;

const env = {
  ADMIN_EMAIL: EMAIL,
  ADMIN_PASSWORD: FIRST_PASSWORD,
  ALLOW_PRIVATE_UPSTREAMS: 'on',
  LOGIN_LIMIT_PER_ADDRESS: '10000',
};

describeFlow(
  'someone who signs in',
  (flow) => {
    let password = FIRST_PASSWORD;
    let stranger: Api;
    before(() => {
      stranger = flow().as(undefined);
      password = FIRST_PASSWORD;
    });
    const login = (email = EMAIL, secret = password) =>
      stranger<SignedIn>('POST', '/v1/auth/login', { body: { email, password: secret } });
    const refresh = (refreshToken: string) =>
      stranger<SignedIn>('POST', '/v1/auth/refresh', { body: { refreshToken } });
    const signIn = async () => {
      const { status, body } = await login();
      expect(status, JSON.stringify(body)).to.equal(200);
      return { ...body, api: flow().as(body.accessToken) };
    };
    const isOut = async (api: Api) => {
      expectProblem(await api('GET', '/v1/me'), 401, 'unauthorized');
      // On the other side too, which in processes of its own is another replica.
      expectProblem(await api('DELETE', '/v1/me/sessions?keep=current'), 401, 'unauthorized');
    };

    it('is given tokens as the wire says, and is who they are', async () => {
      const { status, headers, body } = await login('rooT@exAMPLE.com');
      expect(status).to.equal(200);
      expect(headers.get('x-consistency-token')).to.be.a('string');
      const { accessToken, refreshToken, ...rest } = body;
      expect(accessToken.split('.')).to.have.length(3);
      expect(refreshToken).to.match(/^dfr_[0-9a-f-]{36}_00000000_[\w-]{43}$/);
      expect(rest).to.deep.equal({ tokenType: 'Bearer', expiresIn: 900, refreshExpiresIn: rest.refreshExpiresIn });
      expect(rest.refreshExpiresIn).to.be.within(30 * 86_400 - 60, 30 * 86_400);
      const me = await flow().as(accessToken)('GET', '/v1/me');
      expect(me.body).to.deep.include({
        kind: 'user',
        name: 'Administrator',
        email: EMAIL,
        language: 'en',
        tenant: { id: 'default', name: 'default' },
        tenants: [
          { id: 'platform', name: 'platform', role: 'platform-admin' },
          { id: 'default', name: 'default', role: 'admin' },
        ],
        permissions: [...PERMISSIONS],
      });
      expect((await flow().as(accessToken)('GET', '/v1/models')).status).to.equal(200);
    });

    it('acts in the tenant that is asked for', async () => {
      const { api } = await signIn();
      const other = await flow().newTenant('Rooms');
      const there = { 'x-tenant-id': other.id };
      expect((await api('GET', '/v1/me', { headers: there })).body['tenant']).to.deep.equal({
        id: other.id,
        name: 'Rooms',
      });
      expectProblem(await api('GET', '/v1/me', { headers: { 'x-tenant-id': randomUUID() } }), 403, 'forbidden');
      expectProblem(await api('GET', '/v1/me', { headers: { 'x-tenant-id': '../x' } }), 400, 'malformed-header');
      expectProblem(await other.api('GET', '/v1/me', { headers: { 'x-tenant-id': 'default' } }), 403, 'forbidden');
    });

    it('is told the same of a wrong password, and of an address that nobody has', async () => {
      const without = (body: object) => ({ ...body, requestId: '' });
      const wrong = await login(EMAIL, 'not the password at all');
      const nobody = await login('nobody@example.com', password);
      expectProblem(wrong, 401, 'invalid-credentials');
      expect([nobody.status, without(nobody.body)]).to.deep.equal([401, without(wrong.body)]);
      expect(nobody.headers.get('www-authenticate')).to.equal('Bearer');
    });

    it('goes on with a refresh token, each once', async () => {
      const first = await signIn();
      const second = await refresh(first.refreshToken);
      expect(second.status).to.equal(200);
      expect(second.body.refreshToken).to.match(/^dfr_[0-9a-f-]{36}_00000001_/);
      expect((await flow().as(second.body.accessToken)('GET', '/v1/me')).status).to.equal(200);
      // A repeat within ten seconds, while the successor is unused, gets the same one.
      expect((await refresh(first.refreshToken)).body.refreshToken).to.equal(second.body.refreshToken);
      const third = await refresh(second.body.refreshToken);
      expect(third.status).to.equal(200);
      // The successor was used: whoever comes with the first one has a copy.
      expectProblem(await refresh(first.refreshToken), 401, 'session-ended');
      expectProblem(await refresh(third.body.refreshToken), 401, 'session-ended');
      for (const { accessToken } of [first, second.body, third.body]) await isOut(flow().as(accessToken));
    });

    it('goes on in two tabs that refresh at once, with one successor', async () => {
      const { refreshToken } = await signIn();
      const both = await Promise.all([refresh(refreshToken), refresh(refreshToken)]);
      expect(both.map(({ status }) => status)).to.deep.equal([200, 200]);
      expect(both[0]?.body.refreshToken).to.equal(both[1]?.body.refreshToken);
      expect((await refresh(both[0]?.body.refreshToken ?? '')).status).to.equal(200);
    });

    for (const [what, token] of [
      ['nothing', ''],
      ['another server’s', `dfr_${randomUUID()}_00000000_${randomBytes(32).toString('base64url')}`],
      ['no token', 'x'.repeat(512)],
      ['an object', { __proto__: null, toString: 1 }],
    ] as const)
      it(`is refused a refresh by ${what}`, async () => {
        const answer = await stranger('POST', '/v1/auth/refresh', { body: { refreshToken: token } });
        expect(answer.status).to.equal(typeof token === 'string' && token !== '' ? 401 : 422);
      });

    it('signs out, twice too', async () => {
      const byToken = await signIn();
      for (let n = 0; n < 2; n++)
        expect(
          (await stranger('POST', '/v1/auth/logout', { body: { refreshToken: byToken.refreshToken } })).status,
        ).to.equal(204);
      await isOut(byToken.api);
      expectProblem(await refresh(byToken.refreshToken), 401, 'session-ended');
      const beside = await signIn();
      expect((await beside.api('POST', '/v1/auth/logout', { body: { refreshToken: 'garbage' } })).status).to.equal(204);
      await isOut(beside.api);
      const byAccess = await signIn();
      for (let n = 0; n < 2; n++) expect((await byAccess.api('POST', '/v1/auth/logout')).status).to.equal(204);
      await isOut(byAccess.api);
    });

    it('sees the sessions that go on, and ends one or all of them', async () => {
      const [mine, lost, third] = [await signIn(), await signIn(), await signIn()];
      const list = async () => (await mine.api<{ data: SessionView[] }>('GET', '/v1/me/sessions?limit=100')).body.data;
      const ids = new Set((await list()).map(({ id }) => id));
      const lostId =
        (await lost.api<{ data: SessionView[] }>('GET', '/v1/me/sessions?limit=100')).body.data.find(
          ({ current }) => current,
        )?.id ?? '';
      expect(ids.has(lostId)).to.equal(true);
      const shown = (await list()).find(({ id }) => id === lostId);
      expect(shown).to.include({ object: 'session', current: false, client: 'node' });
      expect(shown?.address).to.match(/^(127\.0\.0\.1|::1|::ffff:127\.0\.0\.1)$/);
      expect((await mine.api('DELETE', `/v1/me/sessions/${lostId}`)).status).to.equal(204);
      await isOut(lost.api);
      expect((await list()).map(({ id }) => id)).not.to.include(lostId);
      expectProblem(await mine.api('DELETE', `/v1/me/sessions/${randomUUID()}`), 404, 'not-found');
      expect((await mine.api('DELETE', '/v1/me/sessions?keep=current')).status).to.equal(204);
      await isOut(third.api);
      expect((await list()).map(({ current }) => current)).to.deep.equal([true]);
      expect((await mine.api('DELETE', '/v1/me/sessions')).status).to.equal(204);
      await isOut(mine.api);
    });

    it('says how to be called, and in which language', async () => {
      const { api } = await signIn();
      const changed = await api('PATCH', '/v1/me', { body: { name: 'Ayşe Işık', language: 'tr' } });
      expect([changed.status, changed.body['name'], changed.body['language']]).to.deep.equal([200, 'Ayşe Işık', 'tr']);
      expect((await api('GET', '/v1/me')).body).to.include({ name: 'Ayşe Işık', language: 'tr' });
      expect((await api('PATCH', '/v1/me', { body: { name: 'Administrator', language: 'en' } })).status).to.equal(200);
      expect((await api('PATCH', '/v1/me', { body: { role: 'admin' } })).status).to.equal(422);
      for (const [method, path] of [
        ['PATCH', '/v1/me'],
        ['DELETE', '/v1/me/sessions'],
        ['GET', '/v1/me/sessions'],
      ] as const)
        expectProblem(await flow().api(method, path, method === 'PATCH' ? { body: {} } : {}), 403, 'forbidden');
    });

    it('changes the password, and no session but this one goes on', async () => {
      const [mine, other] = [await signIn(), await signIn()];
      const change = (current: string, next: string) =>
        mine.api('PUT', '/v1/auth/password', { body: { current, password: next } });
      expectProblem(await change('not the password', 'a long sentence of mine'), 401, 'invalid-credentials');
      expectProblem(await change(password, 'too short'), 422, 'invalid-request', '/password');
      expectProblem(await change(password, 'passwordpassword'), 422, 'invalid-request', '/password');
      expectProblem(await change(password, password), 422, 'invalid-request', '/password');
      expectProblem(
        await flow().api('PUT', '/v1/auth/password', { body: { current: 'x', password: 'a long sentence of mine' } }),
        403,
        'forbidden',
      );
      const next = `second ${randomBytes(12).toString('hex')}`;
      expect((await change(password, next)).status).to.equal(204);
      await isOut(other.api);
      expectProblem(await refresh(other.refreshToken), 401, 'session-ended');
      expect((await mine.api('GET', '/v1/me')).status).to.equal(200);
      expect((await refresh(mine.refreshToken)).status).to.equal(200);
      expectProblem(await login(EMAIL, password), 401, 'invalid-credentials');
      password = next;
      expect((await login()).status).to.equal(200);
    });

    it('is locked out after ten failures, as is whoever nobody is, and no event is of the tries after', async () => {
      const guess = (email: string) => login(email, 'a guess that is wrong');
      for (const email of [EMAIL, 'no.one@example.com']) {
        const answers: number[] = [];
        for (let n = 0; n < 11; n++) answers.push((await guess(email)).status);
        expect(answers.filter((status) => status === 429).length, email).to.be.within(1, 2);
        const locked = await guess(email);
        expectProblem(locked, 429, 'too-many-requests');
        expect(Number(locked.headers.get('retry-after'))).to.be.within(800, 900);
        expect(locked.headers.get('x-should-retry')).to.equal('false');
      }
      expectProblem(await login(), 429, 'too-many-requests');
      const { api } = flow();
      const audited = async () =>
        (await api<{ data: { type: string }[] }>('GET', '/v1/audit?limit=100&tenant=platform')).body.data
          .map(({ type }) => type)
          .filter((type) => type.startsWith('Login'));
      await eventually(async () => expect(await audited()).to.include('LoginLocked'), 20_000);
      const types = await audited();
      expect(types.filter((type) => type === 'LoginLocked')).to.have.length(1);
      // Once for the wrong password above, ten times here; of the address that nobody has nothing.
      expect(types.filter((type) => type === 'LoginFailed').length).to.be.within(10, 12);
      const people = await api<{ data: { id: string }[] }>('GET', '/v1/users');
      const id = people.body.data[0]?.id ?? '';
      expect((await api('POST', `/v1/users/${id}/unlock`)).status).to.equal(204);
      expect((await login()).status).to.equal(200);
      expectProblem(await guess('no.one@example.com'), 429, 'too-many-requests');
    });

    describe('and waits for what does not come', () => {
      let upstream: Server;
      let inference = '';
      before(async () => {
        upstream = createServer(() => undefined);
        await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
        const { api } = flow();
        const source = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
        expect((await api('PUT', '/v1/models/mute', { body: { runtime: 'openai', source } })).status).to.equal(201);
        const submitted = await api('POST', '/v1/inferences', { body: { model: 'mute', input: 'hello?' } });
        inference = `/v1/inferences/${String(submitted.body['id'])}`;
      });
      after(() => {
        upstream.closeAllConnections();
        upstream.close();
      });

      /** Opens a stream and a poll; answers how long after `cut` each was over. */
      async function overAfter(token: string, cut: () => Promise<unknown>): Promise<number[]> {
        const headers = { authorization: `Bearer ${token}` };
        const stream = await fetch(`${flow().url}${inference}/events`, { headers });
        expect(stream.status).to.equal(200);
        const poll = fetch(`${flow().url}${inference}?wait=30s`, { headers });
        const over = [
          stream.text().then(
            () => 'ended',
            () => 'cut',
          ),
          poll.then(async (answer) => answer.status),
        ].map(async (ending) => {
          const how = await ending;
          return { how, at: performance.now() };
        });
        // The poll has begun to wait.
        await new Promise((resolve) => setTimeout(resolve, 300));
        await cut();
        const cutAt = performance.now();
        const [streamed, polled] = await Promise.all(over);
        expect(polled?.how).to.equal(401);
        return [streamed, polled].map((one) => (one?.at ?? 0) - cutAt);
      }

      it('does so no longer than the session goes on', async function () {
        this.timeout(30_000);
        const [mine, other] = [await signIn(), await signIn()];
        const times = await overAfter(other.accessToken, () => mine.api('DELETE', '/v1/me/sessions?keep=current'));
        for (const time of times) expect(time).to.be.within(0, 5_000);
      });

      it('does so no longer than the key is good', async function () {
        this.timeout(30_000);
        const { api } = flow();
        const { body } = await api<{ id: string; key: string }>('POST', '/v1/api-keys', { body: { name: 'waits' } });
        const times = await overAfter(body.key, () => api('DELETE', `/v1/api-keys/${body.id}`));
        for (const time of times) expect(time).to.be.within(0, 5_000);
      });
    });

    it('stands as before when Redis has lost what was kept there by key', async function () {
      const { loseDocuments, as } = flow();
      if (loseDocuments === undefined) this.skip();
      this.timeout(60_000);
      const [stays, goes] = [await signIn(), await signIn()];
      expect((await goes.api('POST', '/v1/auth/logout')).status).to.equal(204);
      await loseDocuments();
      await isOut(goes.api);
      expectProblem(await refresh(goes.refreshToken), 401, 'session-ended');
      const again = await refresh(stays.refreshToken);
      expect(again.status).to.equal(200);
      for (const token of [stays.accessToken, again.body.accessToken])
        expect((await as(token)('GET', '/v1/me', { headers: { 'x-tenant-id': 'default' } })).status).to.equal(200);
      expect((await login()).status).to.equal(200);
    });
  },
  { env, anyBus: true },
);
