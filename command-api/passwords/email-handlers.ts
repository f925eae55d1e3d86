// Another e-mail address: asked for by whoever knows the password, and confirmed at the new address. It is claimed before
// it is theirs and the old one is released after, so that at no moment two people have one.

import { v5 } from 'uuid';
import type { passwordRoutes } from '#contracts/passwords.ts';
import { problems } from '#contracts/problems.ts';
import { logins } from '#events/login.ts';
import { LINK_PURPOSES } from '#events/mail-link.ts';
import { type UserState, users } from '#events/user.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Handler } from '#platform/http/route.ts';
import { tooManyRequests } from '#platform/http/too-many-requests.ts';
import { signedInPerson } from '../auth/signed-in-person.ts';
import { actingAs } from '../auth/start-session.ts';
import { tryOwnPassword } from '../auth/try-own-password.ts';
import { invalidCredentials, type PasswordPorts } from '../auth/try-password.ts';
import { claimEmail } from '../logins/claim-email.ts';
import { decideReleaseEmail } from '../logins/decide.ts';
import { loginStreamOf } from '../logins/login-stream.ts';
import { openText } from '../logins/open-text.ts';
import type { CommandOrigin } from '../origin.ts';
import { acknowledge, runCommand } from '../run-command.ts';
import { BETWEEN_MAILS_MS, decideChangeEmail, decideRequestEmailChange, openEmailChange } from './decide.ts';
import { linkOf, type LinkPorts, tokenSpent } from './mailed-link.ts';

export type EmailChangePorts = LinkPorts & PasswordPorts;

const emailTaken = () => new Problem(problems['email-taken'], { detail: 'Somebody else signs in by this address.' });
export function createEmailChangeHandlers(ports: EmailChangePorts) {
  const { store, snapshots, contents, serverKey, tokens, origins, now } = ports;

  const tooSoon = (state: UserState) => {
    const last = state.status === 'absent' ? 0 : (state.user.emailChangeAskedAt ?? 0);
    const retryAfterMs = last + BETWEEN_MAILS_MS - now();
    return tooManyRequests(problems['too-many-requests'], { detail: 'A mail was sent a moment ago.', retryAfterMs });
  };

  const userAt = async (stream: string) => (await loadState({ store, snapshots, stream, decider: users })).state;

  const requestEmailChange: Handler<typeof passwordRoutes.requestEmailChange> = async (request) => {
    const { caller, body, remoteAddress: address } = request;
    const { userId } = signedInPerson(caller);
    const stream = users.stream(userId);
    const person = await userAt(stream);
    if (person.status !== 'active') throw invalidCredentials();
    const { user } = person;
    const { right } = await tryOwnPassword(ports, { userId, user, address, password: body.password });
    if (!right) throw invalidCredentials();
    const email = await contents.seal(userId, body.email);
    const origin = await origins({ ...request, caller: actingAs(userId) });
    const done = await runCommand(ports, {
      aggregate: users,
      stream,
      origin,
      refusals: { 'not-active': invalidCredentials, 'too-soon': tooSoon },
      decide: (state) => decideRequestEmailChange({ email, now: now(), origin }, state),
    });
    const { 'x-consistency-token': token = '' } = acknowledge(tokens, caller.holder, done);
    return { status: 202, headers: { 'x-consistency-token': token } };
  };

  const confirmEmailChange: Handler<typeof passwordRoutes.confirmEmailChange> = async (request) => {
    const { userId, fits } = linkOf(ports, LINK_PURPOSES.emailChange, request.body.token);
    const stream = users.stream(userId);
    const before = await userAt(stream);
    const sealed = openEmailChange({ fits, now: now() }, before);
    const email = sealed && (await openText(contents, userId, sealed));
    if (email === undefined || before.status === 'absent') throw tokenSpent();
    const origin = await origins({ ...request, caller: actingAs(userId) });
    const claim = await claimEmail(ports, { email, userId, origin });
    if (claim.userId !== userId) throw emailTaken();
    await runCommand(ports, {
      aggregate: users,
      stream,
      origin,
      refusals: { 'token-spent': tokenSpent },
      decide: (state) => decideChangeEmail({ fits, now: now(), origin }, state),
    });
    const old = await openText(contents, userId, before.user.email);
    if (old !== undefined) await releaseEmail(old, claim.written.stream, userId, origin);
    return { status: 204 };
  };

  /** Where this is not come to, whoever claims the address next finds that nobody signs in by it. */
  async function releaseEmail(old: string, kept: string, userId: string, by: CommandOrigin) {
    const stream = loginStreamOf(serverKey, old);
    // Another way to write the same address.
    if (stream === kept) return;
    const origin = { ...by, eventId: v5('released', by.eventId), repeatable: false };
    await runCommand(ports, {
      aggregate: logins,
      stream,
      origin,
      refusals: {},
      decide: (state) => decideReleaseEmail({ userId, origin }, state),
    });
  }

  return { requestEmailChange, confirmEmailChange };
}
