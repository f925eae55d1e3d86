// The routes by which people get a new password or another e-mail address, over a log in memory. Contents are plain, and a
// hash is the password with `hash of` before it.

import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { normaliseEmail } from '#contracts/email.ts';
import { createEvent } from '#events/create-event.ts';
import { LINK_PURPOSES } from '#events/mail-link.ts';
import { logins, type LoginState } from '#events/login.ts';
import { type Standing, standingDocument, standingKey } from '#events/standing.ts';
import { type UserState, users } from '#events/user.ts';
import { createLinkToken } from '#platform/auth/link-token.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import type { Answer, HttpRequest } from '#platform/http/route.ts';
import { newId } from '#platform/new-id.ts';
import { createStandings } from '#platform/standing/standings.ts';
import { loginStreamOf } from '../../command-api/logins/login-stream.ts';
import { createPasswordRoutes } from '../../command-api/passwords/routes.ts';
import { createStandingLoader } from '../../compose/service-standings.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { plainContent, plainContents } from '../support/given-projection.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';

const serverKey = createSecretKey(randomBytes(32));
const ADDRESS = '192.0.2.1';

describe('the routes of passwords and addresses', () => {
  let now: number;
  let store: EventStore;
  let tries: string[];
  beforeEach(() => {
    now = Date.UTC(2026, 10, 28);
    store = createMemoryEventStore(() => now);
    tries = [];
  });

  /** Answers the status, or the problem's code with the status. */
  async function call(route: string, body: unknown, parts: { userId?: string; kind?: string; into?: EventStore } = {}) {
    const { userId, kind = 'user', into = store } = parts;
    const bound = createPasswordRoutes({
      store: into,
      standings: createStandings<Standing>({
        load: createStandingLoader(into),
        readStore: createMemoryReadStore(),
        keyOf: standingKey,
        writeOf: standingDocument,
      }),
      snapshots: { find: async () => undefined, has: () => false, keep: async () => undefined },
      tokens: { issue: () => 'token', read: () => [] } as never,
      origins: async ({ caller }) => {
        const id = newId();
        return { ...ORIGIN, ...caller, commandId: id, eventId: newId(), subjectId: id, repeatable: false };
      },
      contents: { ...plainContents, seal: async (_, value) => plainContent(value) },
      passwords: {
        withRoom: (work) => work(async (password, hash) => ({ right: hash === `hash of ${password}`, stale: false })),
        hash: async (password) => `hash of ${password}`,
        isCommon: async (password, email) => password.startsWith('password') || password === `of ${email}`,
        close: async () => undefined,
      },
      attempts: {
        begin: async (account) => {
          tries.push(`begin ${account}`);
          return { admitted: true, nth: 1 };
        },
        failed: async (account) => tries.push(`failed ${account}`) < 0,
        succeeded: async (account) => void tries.push(`succeeded ${account}`),
        close: async () => undefined,
      },
      serverKey,
      now: () => now,
    }).find((one) => one.route.id === route)!;
    const caller =
      userId === undefined
        ? undefined
        : { tenantId: 'acme', actor: { kind, id: userId }, sessionId: 's', holder: userId };
    const request = { route: bound.route, requestId: 'r', caller, body, headers: {}, remoteAddress: ADDRESS };
    return bound.handle(request as unknown as HttpRequest) as Promise<Answer>;
  }
  const answer = (...asked: Parameters<typeof call>) =>
    call(...asked).then(
      ({ status }) => status,
      ({ status, code }: { status: number; code: string }) => `${status} ${code}`,
    );

  const stateOf = async (userId: string): Promise<UserState> =>
    (await loadState({ store, stream: users.stream(userId), decider: users })).state;
  const userOf = async (userId: string) => {
    const state = await stateOf(userId);
    if (state.status === 'absent') throw new Error('there is no such person');
    return state.user;
  };
  const loginOf = async (email: string): Promise<LoginState> =>
    (await loadState({ store, stream: loginStreamOf(serverKey, email), decider: logins })).state;
  const types = async () => (await store.readAll(0n, 1_000)).map(({ type }) => type);

  const origin = () => ({ ...ORIGIN, eventId: newId() });

  /** A person who signs in by this address with the password `secret`. */
  async function person(email: string): Promise<string> {
    const userId = newId();
    await store.append(loginStreamOf(serverKey, email), [createEvent('EmailClaimed', { userId }, origin())], 'any');
    await store.append(
      users.stream(userId),
      [
        createEvent('UserInvited', { email: plainContent(email), name: plainContent(null), language: 'en' }, origin()),
        createEvent('UserRegistered', { name: plainContent('Ada'), language: 'en' }, origin()),
        createEvent(
          'PasswordSet',
          { hash: plainContent('hash of secret'), mustChange: false, keptSession: null },
          origin(),
        ),
      ],
      'no_stream',
    );
    return userId;
  }

  const resetToken = async (userId: string) =>
    createLinkToken(
      serverKey,
      LINK_PURPOSES.passwordReset,
      userId,
      (await userOf(userId)).passwordReset?.eventId ?? '',
    );
  const emailToken = async (userId: string) =>
    createLinkToken(serverKey, LINK_PURPOSES.emailChange, userId, (await userOf(userId)).emailChange?.eventId ?? '');

  describe('a forgotten password', () => {
    it('is answered alike and after about the same time, whether or not there is such an account', async () => {
      await person('ada@example.com');
      const took = async (email: string) => {
        const began = performance.now();
        expect(await answer('forgotPassword', { email })).to.equal(202);
        return performance.now() - began;
      };
      const [known, unknown] = [await took('Ada@Example.com'), await took('nobody@example.com')];
      expect(Math.abs(known - unknown)).to.be.lessThan(50);
      expect((await types()).filter((type) => type === 'PasswordResetRequested')).to.have.length(1);
    });

    it('leads to nothing by an address that its owner has left, or was claimed for nobody', async () => {
      const userId = await person('ada@example.com');
      const claim = createEvent('EmailClaimed', { userId }, origin());
      await store.append(loginStreamOf(serverKey, 'old@example.com'), [claim], 'any');
      const lost = createEvent('EmailClaimed', { userId: newId() }, origin());
      await store.append(loginStreamOf(serverKey, 'lost@example.com'), [lost], 'any');
      const before = await types();
      for (const email of ['old@example.com', 'lost@example.com'])
        expect(await answer('forgotPassword', { email })).to.equal(202);
      expect(await types()).to.deep.equal(before);
    });

    it('is set anew by the link, once; whoever was locked out may try again', async () => {
      const userId = await person('ada@example.com');
      const login = loginStreamOf(serverKey, 'ada@example.com');
      const locked = createEvent('LoginLocked', { addressId: 'a', until: now + 60_000 }, origin());
      await store.append(login, [locked], 'any');
      await answer('forgotPassword', { email: 'ada@example.com' });
      const token = await resetToken(userId);
      expect(await answer('resetPassword', { token, password: 'another sentence' })).to.equal(204);
      const { hash, epoch } = await userOf(userId);
      expect(hash?.sealed).to.equal(JSON.stringify('hash of another sentence'));
      expect(epoch).to.equal(2);
      expect((await loginOf('ada@example.com')).locks).to.deep.equal([]);
      expect((await loginOf('ada@example.com')).unlocks).to.equal(1);
      expect(await answer('resetPassword', { token, password: 'another sentence' })).to.equal('410 token-spent');
    });

    it('keeps the link good where the new password is refused', async () => {
      const userId = await person('ada@example.com');
      await answer('forgotPassword', { email: 'ada@example.com' });
      const token = await resetToken(userId);
      for (const password of ['password1234', 'of ada@example.com'])
        expect(await answer('resetPassword', { token, password })).to.equal('422 invalid-request');
      expect(await answer('resetPassword', { token, password: 'another sentence' })).to.equal(204);
    });

    it('is set by one of two who take the link at once', async () => {
      const userId = await person('ada@example.com');
      await answer('forgotPassword', { email: 'ada@example.com' });
      const token = await resetToken(userId);
      const both = ['one sentence', 'two sentences'].map((password) => answer('resetPassword', { token, password }));
      expect((await Promise.all(both)).map(String).sort()).to.deep.equal(['204', '410 token-spent']);
    });

    it('is not set by what is no link for it: answered alike, and nothing is written', async () => {
      const [ada, bob] = [await person('ada@example.com'), await person('bob@example.com')];
      await answer('forgotPassword', { email: 'ada@example.com' });
      await answer('requestEmailChange', { email: 'new@example.com', password: 'secret' }, { userId: ada });
      const { passwordReset, emailChange } = await userOf(ada);
      const [reset, change] = [passwordReset?.eventId ?? '', emailChange?.eventId ?? ''];
      const other = createSecretKey(randomBytes(32));
      const good = await resetToken(ada);
      const before = await types();
      for (const token of [
        '',
        'x',
        good.slice(0, -1),
        `${good}A`,
        good.replace('.', '..'),
        createLinkToken(other, LINK_PURPOSES.passwordReset, ada, reset),
        createLinkToken(serverKey, LINK_PURPOSES.emailChange, ada, change),
        createLinkToken(serverKey, LINK_PURPOSES.passwordReset, ada, change),
        createLinkToken(serverKey, LINK_PURPOSES.passwordReset, bob, reset),
        createLinkToken(serverKey, LINK_PURPOSES.passwordReset, newId(), reset),
        createLinkToken(serverKey, LINK_PURPOSES.passwordReset, '__proto__', reset),
        createLinkToken(serverKey, LINK_PURPOSES.passwordReset, `../${ada}`, reset),
      ])
        expect(await answer('resetPassword', { token, password: 'another sentence' }), token).to.equal(
          '410 token-spent',
        );
      expect(await types()).to.deep.equal(before);
    });
  });

  describe('another address', () => {
    const ask = (userId: string, email: string, password = 'secret') =>
      answer('requestEmailChange', { email, password }, { userId });
    const confirm = async (userId: string, into?: EventStore) =>
      answer('confirmEmailChange', { token: await emailToken(userId) }, into && { into });

    it('is asked for with the password, counted among the tries of the account', async () => {
      const userId = await person('ada@example.com');
      expect(await ask(userId, 'new@example.com', 'wrong')).to.equal('401 invalid-credentials');
      expect(tries.splice(0)).to.deep.equal([`begin ${userId}.0`, `failed ${userId}.0`]);
      expect(await ask(userId, 'new@example.com')).to.equal(202);
      expect(tries.splice(0)).to.deep.equal([`begin ${userId}.0`, `succeeded ${userId}.0`]);
      await store.append(
        loginStreamOf(serverKey, 'ada@example.com'),
        [createEvent('LoginUnlocked', {}, origin())],
        'any',
      );
      now += 10_000;
      const { headers } = await call('requestEmailChange', { email: 'x@y', password: 'secret' }, { userId }).catch(
        (problem: { headers: Record<string, string> }) => problem,
      );
      expect(headers).to.deep.equal({ 'retry-after': '50' });
      // After an unlock tries are counted anew.
      expect(tries[0]).to.equal(`begin ${userId}.1`);
    });

    it('is no key’s to ask for', async () => {
      const userId = await person('ada@example.com');
      const asked = { email: 'new@example.com', password: 'secret' };
      expect(await answer('requestEmailChange', asked, { userId, kind: 'api-key' })).to.equal('403 forbidden');
    });

    it('is theirs once it is confirmed, and the old one is anybody’s', async () => {
      const userId = await person('ada@example.com');
      await ask(userId, 'Ada@New.example');
      expect((await loginOf('ada@new.example')).userId).to.equal(null);
      expect(await confirm(userId)).to.equal(204);
      expect((await userOf(userId)).email.sealed).to.equal('"Ada@New.example"');
      expect((await loginOf('ada@new.example')).userId).to.equal(userId);
      expect((await loginOf('ada@example.com')).userId).to.equal(null);
      expect(await confirm(userId)).to.equal('410 token-spent');
    });

    it('may be the old one, written otherwise', async () => {
      const userId = await person('ada@example.com');
      await ask(userId, 'ADA@EXAMPLE.COM');
      expect(await confirm(userId)).to.equal(204);
      expect((await userOf(userId)).email.sealed).to.equal('"ADA@EXAMPLE.COM"');
      expect((await loginOf('ada@example.com')).userId).to.equal(userId);
    });

    it('is not theirs by a link that was asked for before the password was set by mail', async () => {
      const userId = await person('ada@example.com');
      await ask(userId, 'thief@example.com');
      const token = await emailToken(userId);
      await answer('forgotPassword', { email: 'ada@example.com' });
      const reset = { token: await resetToken(userId), password: 'another sentence' };
      expect(await answer('resetPassword', reset)).to.equal(204);
      expect(await answer('confirmEmailChange', { token })).to.equal('410 token-spent');
      expect((await loginOf('thief@example.com')).userId).to.equal(null);
      expect((await userOf(userId)).email.sealed).to.equal('"ada@example.com"');
    });

    it('once theirs voids a link for a new password that went to the old one', async () => {
      const userId = await person('ada@example.com');
      await answer('forgotPassword', { email: 'ada@example.com' });
      const token = await resetToken(userId);
      await ask(userId, 'new@example.com');
      expect(await confirm(userId)).to.equal(204);
      const reset = { token, password: 'another sentence' };
      expect(await answer('resetPassword', reset)).to.equal('410 token-spent');
      expect((await userOf(userId)).hash?.sealed).to.equal(JSON.stringify('hash of secret'));
    });

    it('is not somebody else’s, which only who reads its mail is told', async () => {
      const [ada, bob] = [await person('ada@example.com'), await person('bob@example.com')];
      expect(await ask(ada, 'Bob@example.com')).to.equal(202);
      expect(await confirm(ada)).to.equal('409 email-taken');
      expect(normaliseEmail(JSON.parse((await userOf(ada)).email.sealed ?? '') as string)).to.equal('ada@example.com');
      expect((await loginOf('bob@example.com')).userId).to.equal(bob);
    });

    it('is one person’s of two who confirm it at once', async () => {
      const people = [await person('ada@example.com'), await person('bob@example.com')];
      for (const userId of people) await ask(userId, 'shared@example.com');
      const answers = await Promise.all(people.map((userId) => confirm(userId)));
      expect(answers.map(String).sort()).to.deep.equal(['204', '409 email-taken']);
      const winner = people[answers.indexOf(204)];
      expect((await loginOf('shared@example.com')).userId).to.equal(winner);
    });

    it('is confirmed by the same link again where the server died in between', async () => {
      const userId = await person('ada@example.com');
      await ask(userId, 'new@example.com');
      const dying: EventStore = {
        ...store,
        append: (stream, ...rest) =>
          stream === users.stream(userId) ? Promise.reject(new Error('died')) : store.append(stream, ...rest),
      };
      await confirm(userId, dying);
      expect((await loginOf('new@example.com')).userId).to.equal(userId);
      expect(await confirm(userId)).to.equal(204);
      expect((await loginOf('ada@example.com')).userId).to.equal(null);
    });

    it('leaves the old address for others to claim also where the server died before it was released', async () => {
      const ada = await person('ada@example.com');
      await ask(ada, 'new@example.com');
      const dying: EventStore = {
        ...store,
        append: (stream, ...rest) =>
          stream === loginStreamOf(serverKey, 'ada@example.com')
            ? Promise.reject(new Error('died'))
            : store.append(stream, ...rest),
      };
      await confirm(ada, dying);
      const bob = await person('bob@example.com');
      await ask(bob, 'ada@example.com');
      expect(await confirm(bob)).to.equal(204);
      expect((await loginOf('ada@example.com')).userId).to.equal(bob);
    });
  });
});
