// Signing in over ports in memory: what is written of it, and what holds when what counts the tries forgets.

import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { SignedIn } from '#contracts/people.ts';
import { signInRoutes } from '#contracts/sign-in.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import { sessions } from '#events/session.ts';
import { users } from '#events/user.ts';
import { type Attempts, SIGN_IN_RULES } from '#platform/attempts/attempts.ts';
import { createLruAttempts } from '#platform/attempts/lru-attempts.ts';
import { createAccessKeys } from '#platform/auth/access-keys.ts';
import { type Passwords, PasswordsBusy } from '#platform/auth/passwords.ts';
import { createConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Answer, HttpRequest } from '#platform/http/route.ts';
import { createSignInRoutes } from '../../command-api/auth/routes.ts';
import { loginStreamOf } from '../../command-api/logins/login-stream.ts';
import { releaseLogin } from '../../command-api/logins/release-login.ts';
import { appointAdmin, givePassword } from '../../command-api/make-admin.ts';
import { createOrigins } from '../../command-api/origin.ts';
import { eventually } from '../support/eventually.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const EMAIL = 'ada@example.com';
const PASSWORD = 'a long sentence of hers';

let isBusy = false;

/** Tells at once what argon2 takes its time for. A hash of the old kind begins with `old`. */
const passwords: Passwords = {
  async withRoom(work) {
    if (isBusy) throw new PasswordsBusy('as many as may wait do');
    return work(async (password, hash) => ({
      right: hash === `new ${password}` || hash === `old ${password}`,
      stale: hash?.startsWith('old') ?? false,
    }));
  },
  hash: async (password) => `new ${password}`,
  isCommon: async () => false,
  close: async () => undefined,
};

describe('signing in', () => {
  let ports: PeoplePorts;
  let attempts: Attempts;
  let userId: string;
  let signedIn: string[];
  let worn: string[];
  beforeEach(async () => {
    ports = await openPeoplePorts();
    await ports.keyring.createSubject('platform');
    attempts = createLruAttempts(SIGN_IN_RULES);
    signedIn = [];
    worn = [];
    userId = randomUUID();
    const admin = { ...ports, passwords, now: Date.now };
    await appointAdmin(admin, { id: userId, email: EMAIL, roles: {}, origin: origin() });
    await givePassword(admin, { userId, password: PASSWORD, mustChange: false, origin: origin() });
  });

  const origin = (): Origin => {
    const id = randomUUID();
    return {
      eventId: id,
      commandId: id,
      correlationId: id,
      tenantId: 'platform',
      actor: { kind: 'system', id: 'test' },
    };
  };

  /** Of a server of its own. */
  const openRoutes = (now: () => number = Date.now) => {
    const { serverKey } = ports;
    return createSignInRoutes({
      ...ports,
      tokens: createConsistencyTokens({ secret: serverKey, generation: randomUUID() }),
      origins: createOrigins({ secret: serverKey, keyring: ports.keyring }),
      accessKeys: createAccessKeys(createSecretKey(randomBytes(32)), 1),
      passwords,
      attempts,
      homeOf: async () => 'default',
      wornSessionsOf: async () => worn,
      onSignedIn: async (id) => void signedIn.push(id),
      log: createQuietLog(),
      now,
    });
  };

  const ask = (
    routes: ReturnType<typeof openRoutes>,
    id: 'login' | 'refresh',
    body: object,
    address = '192.0.2.1',
  ): Promise<Answer> => {
    const route = routes.find((one) => one.route.id === id);
    const request: HttpRequest = {
      route: signInRoutes[id],
      requestId: 'r',
      traceparent: undefined,
      caller: undefined,
      params: undefined,
      query: undefined,
      body,
      headers: { 'user-agent': 'test' },
      idempotencyKey: undefined,
      consistencyToken: undefined,
      ifMatch: undefined,
      remoteAddress: address,
      signal: new AbortController().signal,
    };
    return Promise.resolve(route?.handle(request) ?? Promise.reject(new Error('no such route')));
  };
  const login = (email = EMAIL, password = PASSWORD, address?: string) =>
    ask(openRoutes(), 'login', { email, password }, address);
  const refusal = (answer: Promise<Answer>) =>
    answer.then(
      () => expect.fail('it was let in'),
      (error: unknown) => {
        expect(error).to.be.instanceOf(Problem);
        return error as Problem;
      },
    );
  const typesOf = async (stream: string) => (await ports.store.readStream(stream)).map(({ type }) => type);
  const loginTypes = () => typesOf(loginStreamOf(ports.serverKey, EMAIL));

  it('starts a session of the epoch that the person is in, and tells who signed in', async () => {
    const { status, body } = await login();
    expect(status).to.equal(200);
    const { refreshToken } = body as SignedIn;
    const stream = sessions.stream(refreshToken.slice('dfr_'.length, 'dfr_'.length + 36));
    const [started] = await ports.store.readStream(stream);
    expect(started?.data).to.deep.equal({ userId, epoch: 1 });
    expect(started?.metadata).to.deep.include({ tenantId: 'platform', actor: { kind: 'user', id: userId } });
    // Sealed with the person's own key.
    expect(started?.metadata.origin?.keyId).to.match(new RegExp(`^${userId}/`));
    expect(signedIn).to.deep.equal([userId]);
  });

  it('is refused alike for whoever cannot', async () => {
    const wrong = await refusal(login(EMAIL, 'another sentence'));
    expect(wrong.code).to.equal('invalid-credentials');
    const said = ({ code, detail, headers }: Problem) => ({ code, detail, headers });
    expect(said(await refusal(login('nobody@example.com')))).to.deep.equal(said(wrong));
    const disable = createEvent('UserDisabled', {}, origin());
    await ports.store.append(users.stream(userId), [disable], 'stream_exists');
    await ports.standings.refresh(users.stream(userId));
    expect(said(await refusal(login()))).to.deep.equal(said(wrong));
    expect(signedIn).to.deep.equal([]);
  });

  it('writes what failed of an address that someone has: ten times, then the lock, then nothing', async () => {
    for (let n = 0; n < 10; n++) expect((await refusal(login(EMAIL, 'a guess'))).code).to.equal('invalid-credentials');
    for (let n = 0; n < 5; n++) expect((await refusal(login())).code).to.equal('too-many-requests');
    const failures = Array<string>(10).fill('LoginFailed');
    await eventually(async () =>
      expect(await loginTypes()).to.deep.equal(['EmailClaimed', ...failures, 'LoginLocked']),
    );
    expect((await login(EMAIL, PASSWORD, '192.0.2.2')).status).to.equal(200);
  });

  it('writes nothing of an address that nobody has, and locks it all the same', async () => {
    const before = await ports.store.head();
    for (let n = 0; n < 10; n++)
      expect((await refusal(login('nobody@example.com'))).code).to.equal('invalid-credentials');
    const locked = await refusal(login('NOBODY@example.com'));
    expect(locked.code).to.equal('too-many-requests');
    expect(Number(locked.headers?.['retry-after'])).to.be.within(890, 900);
    expect(await ports.store.head()).to.equal(before);
  });

  it('stays locked where what counts the tries forgets them, and is free again by an unlock from elsewhere', async () => {
    for (let n = 0; n < 10; n++) await refusal(login(EMAIL, 'a guess'));
    await eventually(async () => expect(await loginTypes()).to.include('LoginLocked'));
    const counting = attempts;
    attempts = createLruAttempts(SIGN_IN_RULES);
    expect((await refusal(login())).code).to.equal('too-many-requests');
    // As from the shell, which cannot reach what a server holds in its memory.
    await releaseLogin(ports, { email: EMAIL, by: origin() });
    attempts = counting;
    expect((await login()).status).to.equal(200);
  });

  it('is free again by an unlock also where the lock is only counted', async () => {
    for (let n = 0; n < 9; n++) await refusal(login(EMAIL, 'a guess'));
    await eventually(async () => expect(await loginTypes()).to.have.length(10));
    await releaseLogin(ports, { email: EMAIL, by: origin() });
    await refusal(login(EMAIL, 'a guess'));
    expect((await login()).status).to.equal(200);
    expect(await loginTypes()).not.to.include('LoginLocked');
  });

  it('is locked for a whole network of IPv6, all of which one who guesses may have', async () => {
    for (let n = 1; n <= 10; n++) await refusal(login(EMAIL, 'a guess', `2001:db8:0:1::${n}`));
    expect((await refusal(login(EMAIL, PASSWORD, '2001:db8:0:1:ffff::1'))).code).to.equal('too-many-requests');
    // As the log has it too, where what counts the tries forgets them.
    await eventually(async () => expect(await loginTypes()).to.include('LoginLocked'));
    attempts = createLruAttempts(SIGN_IN_RULES);
    expect((await refusal(login(EMAIL, PASSWORD, '2001:db8:0:1::abc'))).code).to.equal('too-many-requests');
    expect((await login(EMAIL, PASSWORD, '2001:db8:0:2::1')).status).to.equal(200);
  });

  it('is not by an address that its person has left, or not come to have, whose claim stands', async () => {
    const other = 'other@example.com';
    const claim = createEvent('EmailClaimed', { userId }, origin());
    await ports.store.append(loginStreamOf(ports.serverKey, other), [claim], 'any');
    expect((await refusal(login(other))).code).to.equal('invalid-credentials');
    const email = await ports.contents.seal(userId, other);
    await ports.store.append(users.stream(userId), [createEvent('EmailChanged', { email }, origin())], 'stream_exists');
    await ports.standings.refresh(users.stream(userId));
    expect((await login(other)).status).to.equal(200);
    expect((await refusal(login())).code).to.equal('invalid-credentials');
  });

  it('makes the hash anew where its parameters were others, and ends no session by that', async () => {
    const before = await login();
    const hash = await ports.contents.seal(userId, `old ${PASSWORD}`);
    const renew = createEvent('PasswordHashRenewed', { hash }, origin());
    await ports.store.append(users.stream(userId), [renew], 'stream_exists');
    await ports.standings.refresh(users.stream(userId));
    expect((await login()).status).to.equal(200);
    const types = await typesOf(users.stream(userId));
    expect(types.filter((type) => type === 'PasswordHashRenewed')).to.have.length(2);
    expect((await login()).status).to.equal(200);
    expect(await typesOf(users.stream(userId))).to.have.length(types.length);
    expect(before.status).to.equal(200);
    expect(types.filter((type) => type === 'PasswordSet')).to.have.length(1);
  });

  for (const [what, apart] of [
    ['ahead', 60_000],
    ['behind', -60_000],
  ] as const)
    it(`goes on in two tabs at two servers, of which the second is a minute ${what}`, async () => {
      const [one, other] = [openRoutes(), openRoutes(() => Date.now() + apart)];
      const { refreshToken } = (await login()).body as SignedIn;
      const both = [await ask(one, 'refresh', { refreshToken }), await ask(other, 'refresh', { refreshToken })];
      const [next, same] = both.map(({ body }) => (body as SignedIn).refreshToken);
      expect(same).to.equal(next).and.not.to.equal(refreshToken);
      expect((await ask(other, 'refresh', { refreshToken: next })).status).to.equal(200);
      expect((await refusal(ask(one, 'refresh', { refreshToken }))).code).to.equal('session-ended');
    });

  it('counts no try that was not made, as too many people sign in', async () => {
    isBusy = true;
    for (let n = 0; n < 20; n++) expect(await login().catch((error: unknown) => error)).to.be.instanceOf(PasswordsBusy);
    isBusy = false;
    expect((await login()).status).to.equal(200);
  });

  it('ends the sessions of the person that are over', async () => {
    const idOf = ({ body }: Answer) => (body as SignedIn).refreshToken.slice('dfr_'.length, 'dfr_'.length + 36);
    const [over, stays] = [idOf(await login()), idOf(await login())];
    worn = [over];
    await login();
    await eventually(async () =>
      expect(await typesOf(sessions.stream(over))).to.deep.equal(['SessionStarted', 'SessionEnded']),
    );
    expect(await typesOf(sessions.stream(stays))).to.deep.equal(['SessionStarted']);
  });
});
