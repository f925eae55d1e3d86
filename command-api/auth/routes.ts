import { problems } from '#contracts/problems.ts';
import { signInRoutes } from '#contracts/sign-in.ts';
import { sessions } from '#events/session.ts';
import { users } from '#events/user.ts';
import { readRefreshToken } from '#platform/auth/refresh-token.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Handler } from '#platform/http/route.ts';
import { newId } from '#platform/new-id.ts';
import { createUpdateMe } from '../me/update-me.ts';
import type { PublicRequest } from '../origin.ts';
import { acknowledge, notFound, runCommand } from '../run-command.ts';
import { decideChangePassword, decideEndSession, decideEndSessions, decideRefreshSession } from './decide.ts';
import { createLogin, type LoginPorts } from './login.ts';
import { signedInPerson } from './signed-in-person.ts';
import { actingAs, signedIn } from './start-session.ts';
import { tryOwnPassword } from './try-own-password.ts';
import { invalidCredentials, sealNewPassword } from './try-password.ts';

const sessionEnded = () =>
  new Problem(problems['session-ended'], {
    detail: 'The session has ended; sign in again.',
    headers: { 'www-authenticate': 'Bearer' },
  });

/** Signing in and out, and what people do with their own account. */
export function createSignInRoutes(ports: LoginPorts): BoundRoute[] {
  const { standings, tokens, origins, serverKey, now } = ports;
  /** Whose clock `now` is. */
  const replica = newId();

  const refresh: Handler<typeof signInRoutes.refresh> = async (request) => {
    const token = readRefreshToken(serverKey, request.body.refreshToken);
    if (token === undefined) throw sessionEnded();
    const { sessionId, number } = token;
    const stream = sessions.stream(sessionId);
    const [standing] = await standings.get([stream]);
    if (standing?.of !== 'session') throw sessionEnded();
    const { userId } = standing.state.session;
    const origin = await origins({ ...request, caller: actingAs(userId) });
    const [person] = await standings.get([users.stream(userId)]);
    const user = person?.of === 'user' ? person.state : undefined;
    const done = await runCommand(ports, {
      aggregate: sessions,
      stream,
      origin,
      refusals: { ended: sessionEnded },
      // Who loses to another with the same token decides again, and finds it used a moment ago.
      decide: (state) => decideRefreshSession({ sessionId, number, user, now: now(), replica, origin }, state),
    });
    if (done.state.status !== 'active' || user?.status !== 'active') throw sessionEnded();
    return {
      status: 200,
      headers: acknowledge(tokens, userId, done),
      body: await signedIn(ports, sessionId, done.state.session, user.user),
    };
  };

  const endSession = async (request: PublicRequest, sessionId: string, reason: 'logged_out' | 'revoked') => {
    const stream = sessions.stream(sessionId);
    const [standing] = await standings.get([stream]);
    if (standing?.of !== 'session') throw notFound();
    const origin = await origins({ ...request, caller: actingAs(standing.state.session.userId) });
    return runCommand(ports, {
      aggregate: sessions,
      stream,
      origin,
      refusals: {},
      decide: (state) => decideEndSession({ reason, origin }, state),
    });
  };

  const logout: Handler<typeof signInRoutes.logout> = async (request) => {
    const { caller, body } = request;
    const sent = body.refreshToken === undefined ? undefined : readRefreshToken(serverKey, body.refreshToken);
    const sessionId = sent?.sessionId ?? caller?.sessionId;
    // Who has no session to end is as one who has ended it.
    if (sessionId !== undefined) await endSession(request, sessionId, 'logged_out');
    return { status: 204 };
  };

  const changePassword: Handler<typeof signInRoutes.changePassword> = async (request) => {
    const { caller, body, remoteAddress: address } = request;
    const { userId, sessionId } = signedInPerson(caller);
    const stream = users.stream(userId);
    const [standing] = await standings.get([stream]);
    if (standing?.of !== 'user') throw invalidCredentials();
    const { user } = standing.state;
    const tried = await tryOwnPassword(ports, { userId, user, address, password: body.current });
    const verified = user.hash;
    if (!tried.right || verified === null) throw invalidCredentials();
    if (body.password.normalize('NFC') === body.current.normalize('NFC'))
      throw new Problem(problems['invalid-request'], {
        errors: [{ in: 'body', pointer: '/password', message: 'must be another one' }],
      });
    const hash = await sealNewPassword(ports, { userId, user, password: body.password });
    const origin = await origins({ ...request, caller: actingAs(userId) });
    const done = await runCommand(ports, {
      aggregate: users,
      stream,
      origin,
      refusals: { changed: invalidCredentials },
      decide: (state) => decideChangePassword({ verified, hash, sessionId, origin }, state),
    });
    return { status: 204, headers: acknowledge(tokens, caller.holder, done) };
  };

  const endMySession: Handler<typeof signInRoutes.endMySession> = async (request) => {
    const { caller, params } = request;
    const { userId } = signedInPerson(caller);
    const [standing] = await standings.get([sessions.stream(params.id)]);
    if (standing?.of !== 'session' || standing.state.session.userId !== userId) throw notFound();
    const done = await endSession(request, params.id, 'revoked');
    return { status: 204, headers: acknowledge(tokens, caller.holder, done) };
  };

  const endMySessions: Handler<typeof signInRoutes.endMySessions> = async (request) => {
    const { caller, query } = request;
    const { userId, sessionId } = signedInPerson(caller);
    const origin = await origins({ ...request, caller: actingAs(userId) });
    const keptSession = query.keep === 'current' ? sessionId : null;
    const done = await runCommand(ports, {
      aggregate: users,
      stream: users.stream(userId),
      origin,
      refusals: {},
      decide: (state) => decideEndSessions({ keptSession, origin }, state),
    });
    return { status: 204, headers: acknowledge(tokens, caller.holder, done) };
  };

  return bindRoutes(signInRoutes, 'command', {
    login: createLogin(ports),
    refresh,
    logout,
    changePassword,
    updateMe: createUpdateMe(ports),
    endMySession,
    endMySessions,
  });
}
