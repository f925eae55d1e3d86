import type { KeyObject } from 'node:crypto';
import type { signInRoutes } from '#contracts/sign-in.ts';
import type { Content } from '#events/content.ts';
import { logins } from '#events/login.ts';
import { sessions } from '#events/session.ts';
import { type User, users } from '#events/user.ts';
import { SIGN_IN_RULES } from '#platform/attempts/attempts.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import type { Handler, RequestOf } from '#platform/http/route.ts';
import type { Log } from '#platform/logging/log.ts';
import { loginAccountOf, loginStreamOf } from '../logins/login-stream.ts';
import { openText } from '../logins/open-text.ts';
import { acknowledge, runCommand } from '../run-command.ts';
import { decideEndSession, decideFailLogin, decideRenewHash } from './decide.ts';
import { actingAs, type SessionPorts, startSession } from './start-session.ts';
import { addressIdOf, invalidCredentials, lockedOut, type PasswordPorts, tryPassword } from './try-password.ts';

export interface LoginPorts extends SessionPorts, PasswordPorts {
  readonly serverKey: KeyObject;
  /** The ids of a person's sessions that are to end: none may be listed for ever. */
  readonly wornSessionsOf: (userId: string, now: number) => Promise<readonly string[]>;
  /** Told of each person who signs in. */
  readonly onSignedIn: (userId: string) => Promise<void>;
  readonly log: Log;
}

type LoginRequest = RequestOf<typeof signInRoutes.login>;

export function createLogin(ports: LoginPorts): Handler<typeof signInRoutes.login> {
  const { store, snapshots, standings, serverKey, tokens, contents, passwords, log, now } = ports;

  /** Who signs in by the address of this stream, if they can. */
  const personOf = async (
    userId: string | null,
    stream: string,
  ): Promise<(User & { readonly hash: Content }) | undefined> => {
    const [standing] = userId === null ? [] : await standings.get([users.stream(userId)]);
    if (userId === null || standing?.of !== 'user' || standing.state.status !== 'active') return undefined;
    const { user } = standing.state;
    // A claim may outlive the address that it was for, and comes before it.
    const email = await openText(contents, userId, user.email);
    if (email === undefined || loginStreamOf(serverKey, email) !== stream) return undefined;
    return user.hash === null ? undefined : { ...user, hash: user.hash };
  };

  interface Failure {
    readonly stream: string;
    readonly userId: string;
    readonly locks: boolean;
    readonly unlocks: number;
  }

  const recordFailure = async (request: LoginRequest, { stream, userId, locks, unlocks }: Failure) => {
    const by = await ports.origins({ ...request, caller: actingAs(userId) });
    // Whoever failed to be this person is nobody that we know.
    const origin = { ...by, actor: { kind: 'system', id: 'defter' } as const };
    const addressId = addressIdOf(serverKey, request.remoteAddress);
    const lockedUntil = locks ? now() + SIGN_IN_RULES.lockMs : null;
    await runCommand(ports, {
      aggregate: logins,
      stream,
      origin,
      refusals: {},
      decide: (state) => decideFailLogin({ addressId, lockedUntil, unlocks, origin }, state),
    });
  };

  const endWorn = async (request: LoginRequest, userId: string) => {
    for (const id of await ports.wornSessionsOf(userId, now())) {
      const origin = await ports.origins({ ...request, caller: actingAs(userId) });
      await runCommand(ports, {
        aggregate: sessions,
        stream: sessions.stream(id),
        origin,
        refusals: {},
        decide: (state) => decideEndSession({ reason: 'expired', origin }, state),
      });
    }
  };

  /** What the answer need not wait for. */
  const behind = (userId: string, work: Promise<void>) => {
    work.catch((err: unknown) => log.error({ err, userId }, 'what follows a sign-in could not be written'));
  };

  const renewHash = async (request: LoginRequest, userId: string, verified: Content) => {
    const origin = await ports.origins({ ...request, caller: actingAs(userId) });
    const hash = await contents.seal(userId, await passwords.hash(request.body.password));
    await runCommand(ports, {
      aggregate: users,
      stream: users.stream(userId),
      origin,
      refusals: {},
      decide: (state) => decideRenewHash({ verified, hash, origin }, state),
    });
  };

  return async (request) => {
    const { body, remoteAddress: address } = request;
    const stream = loginStreamOf(serverKey, body.email);
    const { state } = await loadState({ store, snapshots, stream, decider: logins });
    const addressId = addressIdOf(serverKey, address);
    // What counts the tries may have lost them; the log has the locks.
    const lock = state.locks.find((one) => one.addressId === addressId && one.until > now());
    if (lock) throw lockedOut(lock.until - now());
    const { userId } = state;
    const person = await personOf(userId, stream);
    const of = userId !== null && person ? { userId, hash: person.hash } : undefined;
    const tried = await tryPassword(ports, {
      account: loginAccountOf(stream, state),
      address,
      password: body.password,
      of,
    });
    if (!tried.right) {
      // Behind the answer, which is to take as long for an address that nobody has.
      if (userId !== null)
        behind(userId, recordFailure(request, { stream, userId, locks: tried.locks, unlocks: state.unlocks }));
      throw invalidCredentials();
    }
    if (userId === null || person === undefined) throw new Error('the password of nobody was right');
    if (tried.stale) await renewHash(request, userId, person.hash);
    const { body: answer, written } = await startSession(ports, { userId, user: person, request });
    await ports.onSignedIn(userId);
    behind(userId, endWorn(request, userId));
    return { status: 200, headers: acknowledge(tokens, userId, { written, outcome: 'appended' }), body: answer };
  };
}
