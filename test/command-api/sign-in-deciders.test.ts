import { v5 } from 'uuid';
import { createEvent } from '#events/create-event.ts';
import { logins } from '#events/login.ts';
import { type SessionState, sessions } from '#events/session.ts';
import { users } from '#events/user.ts';
import {
  decideChangePassword,
  decideEndSession,
  decideEndSessions,
  decideFailLogin,
  decideRefreshSession,
  decideRenewHash,
  decideStartSession,
} from '../../command-api/auth/decide.ts';
import { decideUpdateMe } from '../../command-api/me/decide.ts';
import { given, ORIGIN } from '../support/given-decider.ts';

const origin = ORIGIN;
const sealed = (text: string) => ({ keyId: 'berta/2026-01-01', sealed: text, blob: null, bytes: 2 });
const DAY = 86_400_000;
const SESSION = '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f';

const person = [
  createEvent('UserInvited', { email: sealed('e'), name: sealed('n'), language: 'en' }, origin),
  createEvent('UserRegistered', { name: sealed('n'), language: 'en' }, origin),
];
const passwordSet = (hash: string, keptSession: string | null = null) =>
  createEvent('PasswordSet', { hash: sealed(hash), mustChange: false, keptSession }, origin);
const berta = given(users, 'user-berta', [...person, passwordSet('first')]);

describe('deciding on a session', () => {
  const started = createEvent('SessionStarted', { userId: 'berta', epoch: 1 }, origin);
  const refreshed = (number: number, at = 1_000) =>
    createEvent('SessionRefreshed', { number, at, replica: 'one' }, origin);
  const session = (...past: Parameters<typeof given>[2] & object) => given(sessions, `session-${SESSION}`, past);
  // Events of a test are recorded at 1,000.
  const refresh =
    (number: number, now = 2_000, user: typeof berta.state = berta.state, replica = 'one') =>
    (state: SessionState) =>
      decideRefreshSession({ sessionId: SESSION, number, user, now, replica, origin }, state);

  it('starts it once', () => {
    const start = (state: SessionState) => decideStartSession({ userId: 'berta', epoch: 1, origin }, state);
    session()
      .when(start)
      .thenEvents({ type: 'SessionStarted', data: { userId: 'berta', epoch: 1 } });
    session(started).when(start).thenNothing();
  });

  it('counts each refresh, and gives a young repeat what its first got', () => {
    session(started)
      .when(refresh(0))
      .thenEvents({ type: 'SessionRefreshed', data: { number: 1, at: 2_000, replica: 'one' } });
    session(started, refreshed(1))
      .when(refresh(1))
      .thenEvents({ type: 'SessionRefreshed', data: { number: 2, at: 2_000, replica: 'one' } });
    session(started, refreshed(1)).when(refresh(0, 10_999)).thenNothing();
  });

  for (const [what, number, now] of [
    ['the token before, ten seconds later', 1, 11_000],
    ['an older one', 0, 2_000],
    ['one that it has not given', 3, 2_000],
  ] as const)
    it(`ends it by ${what}`, () => {
      session(started, refreshed(1), refreshed(2))
        .when(refresh(number, now))
        .thenEvents({ type: 'SessionEnded', data: { reason: 'refresh_reused' } });
    });

  const MINUTE = 60_000;
  const NOON = 43_200_000;
  for (const [what, now, replica, isYoung] of [
    ['at the same replica ten seconds later', NOON + 10_000, 'one', false],
    ['at the same replica, whose clock was set back', NOON - 5_000, 'one', true],
    ['at another whose clock is a minute ahead', NOON + MINUTE + 9_999, 'other', true],
    ['at another whose clock is a minute behind', NOON - MINUTE, 'other', true],
    ['at another, more than a minute and ten seconds later', NOON + MINUTE + 10_000, 'other', false],
    ['before its time by more than clocks may differ', NOON - MINUTE - 1, 'other', false],
  ] as const)
    it(`${isYoung ? 'repeats' : 'ends'} it by the token before, ${what}, whatever the clock of the log`, () => {
      const ending = session(started, refreshed(1, NOON)).when(refresh(0, now, berta.state, replica));
      if (isYoung) ending.thenNothing();
      else ending.thenEvents({ type: 'SessionEnded', data: { reason: 'refresh_reused' } });
    });

  it('ends it when its time is over: 30 days unused, 90 in all', () => {
    const expired = { type: 'SessionEnded', data: { reason: 'expired' } };
    session(started)
      .when(refresh(0, 30 * DAY + 999))
      .thenEvents({ type: 'SessionRefreshed', data: { number: 1, at: 30 * DAY + 999, replica: 'one' } });
    session(started)
      .when(refresh(0, 30 * DAY + 1_000))
      .thenEvents(expired);
    session(started, refreshed(1))
      .when(refresh(1, 90 * DAY + 1_000))
      .thenEvents(expired);
  });

  it('refuses one that has ended, of whoever it is', () => {
    const ended = createEvent('SessionEnded', { reason: 'logged_out' }, origin);
    session(started, ended).when(refresh(0)).thenRefused('ended');
    session().when(refresh(0)).thenRefused('ended');
    session(started)
      .when(refresh(0, 2_000, users.initial))
      .thenRefused('ended');
    const disabled = given(users, 'user-berta', [...person, passwordSet('a'), createEvent('UserDisabled', {}, origin)]);
    const enabled = given(users, 'user-berta', [
      ...person,
      passwordSet('a'),
      createEvent('UserDisabled', {}, origin),
      createEvent('UserEnabled', {}, origin),
    ]);
    for (const { state } of [disabled, enabled])
      session(started)
        .when(refresh(0, 2_000, state))
        .thenRefused('ended');
  });

  it('refuses one that a new password has ended, and goes on in the one kept', () => {
    const changed = (kept: string | null) =>
      given(users, 'user-berta', [...person, passwordSet('first'), passwordSet('second', kept)]).state;
    session(started)
      .when(refresh(0, 2_000, changed(null)))
      .thenRefused('ended');
    session(started)
      .when(refresh(0, 2_000, changed('other')))
      .thenRefused('ended');
    session(started)
      .when(refresh(0, 2_000, changed(SESSION)))
      .thenEvents({ type: 'SessionRefreshed', data: { number: 1, at: 2_000, replica: 'one' } });
  });

  it('ends it once, with the reason', () => {
    const end = (state: SessionState) => decideEndSession({ reason: 'revoked', origin }, state);
    session(started)
      .when(end)
      .thenEvents({ type: 'SessionEnded', data: { reason: 'revoked' } });
    session(started, createEvent('SessionEnded', { reason: 'logged_out' }, origin))
      .when(end)
      .thenNothing();
    session().when(end).thenNothing();
  });
});

describe('deciding on a password', () => {
  const change = { verified: sealed('first'), hash: sealed('second'), sessionId: SESSION, origin };

  it('sets it and keeps the session that asked', () => {
    berta
      .when((state) => decideChangePassword(change, state))
      .thenEvents({ type: 'PasswordSet', data: { hash: sealed('second'), mustChange: false, keptSession: SESSION } });
  });

  it('sets none where another was set since the present one was held against', () => {
    const later = given(users, 'user-berta', [...person, passwordSet('first'), passwordSet('another')]);
    later.when((state) => decideChangePassword(change, state)).thenRefused('changed');
    later.when((state) => decideRenewHash(change, state)).thenNothing();
    given(users, 'user-berta', person)
      .when((state) => decideChangePassword(change, state))
      .thenRefused('changed');
  });

  it('renews the hash of the same password', () => {
    berta
      .when((state) => decideRenewHash(change, state))
      .thenEvents({ type: 'PasswordHashRenewed', data: { hash: sealed('second') } });
  });

  it('ends all sessions, or all but one', () => {
    for (const keptSession of [null, SESSION])
      berta
        .when((state) => decideEndSessions({ keptSession, origin }, state))
        .thenEvents({ type: 'SessionsEnded', data: { keptSession } });
    given(users, 'user-berta')
      .when((state) => decideEndSessions({ keptSession: null, origin }, state))
      .thenNothing();
  });
});

describe('deciding on a failure to sign in', () => {
  const claimed = createEvent('EmailClaimed', { userId: 'berta' }, origin);
  const failure = { addressId: 'a1', unlocks: 0, origin };

  it('tells it of an address that someone has, and of no other', () => {
    const fail = given(logins, 'login-1', [claimed]);
    fail
      .when((state) => decideFailLogin({ ...failure, lockedUntil: null }, state))
      .thenEvents({ type: 'LoginFailed', data: { addressId: 'a1' } });
    for (const past of [[], [claimed, createEvent('EmailReleased', {}, origin)]])
      given(logins, 'login-1', past)
        .when((state) => decideFailLogin({ ...failure, lockedUntil: 9_000 }, state))
        .thenNothing();
  });

  it('undoes no unlock since', () => {
    given(logins, 'login-1', [claimed, createEvent('LoginUnlocked', {}, origin)])
      .when((state) => decideFailLogin({ ...failure, lockedUntil: 9_000 }, state))
      .thenEvents({ type: 'LoginFailed', data: { addressId: 'a1' } });
  });

  it('tells with it that it was the last one allowed', () => {
    given(logins, 'login-1', [claimed])
      .when((state) => decideFailLogin({ ...failure, lockedUntil: 9_000 }, state))
      .thenEvents(
        { type: 'LoginFailed', data: { addressId: 'a1' } },
        { type: 'LoginLocked', data: { addressId: 'a1', until: 9_000 } },
      );
  });
});

describe('deciding on what someone says of themselves', () => {
  it('says what changes and nothing else', () => {
    berta
      .when((state) => decideUpdateMe({ name: sealed('new'), language: 'tr', origin }, state))
      .thenEvents(
        { type: 'UserRenamed', data: { name: sealed('new') } },
        { type: 'LanguageSet', data: { language: 'tr' } },
      );
    berta.when((state) => decideUpdateMe({ language: 'en', origin }, state)).thenNothing();
    berta.when((state) => decideUpdateMe({ origin }, state)).thenNothing();
  });

  it('gives two events of one command an id each', () => {
    const events = decideUpdateMe({ name: sealed('new'), language: 'tr', origin }, berta.state);
    const ids = events.map(({ id }) => id);
    if (ids[0] !== origin.eventId || ids[1] !== v5('language', origin.eventId)) throw new Error(ids.join());
  });
});
