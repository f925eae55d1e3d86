// A forgotten password: a link is offered to whoever has an account, and taken once.

import type { passwordRoutes } from '#contracts/passwords.ts';
import { logins } from '#events/login.ts';
import { LINK_PURPOSES } from '#events/mail-link.ts';
import { users } from '#events/user.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import type { Handler, RequestOf } from '#platform/http/route.ts';
import { actingAs } from '../auth/start-session.ts';
import { type PasswordPorts, sealNewPassword } from '../auth/try-password.ts';
import { loginStreamOf } from '../logins/login-stream.ts';
import { openText } from '../logins/open-text.ts';
import { type ReleasePorts, releaseLogin } from '../logins/release-login.ts';
import { runCommand } from '../run-command.ts';
import { atLeast } from './at-least.ts';
import { decideOfferReset, decideResetPassword, openReset } from './decide.ts';
import { linkOf, type LinkPorts, tokenSpent } from './mailed-link.ts';

export type ResetPorts = LinkPorts & ReleasePorts & PasswordPorts;

/** Longer than it takes to look for an account and to write an event, so that nobody can tell which was done. */
const ANSWER_AFTER_MS = 300;

export function createResetHandlers(ports: ResetPorts) {
  const { store, snapshots, contents, origins, serverKey, now } = ports;

  const userAt = async (stream: string) => (await loadState({ store, snapshots, stream, decider: users })).state;

  async function offerReset(request: RequestOf<typeof passwordRoutes.forgotPassword>): Promise<void> {
    const login = loginStreamOf(serverKey, request.body.email);
    const { state: claim } = await loadState({ store, snapshots, stream: login, decider: logins });
    if (claim.userId === null) return;
    const stream = users.stream(claim.userId);
    const person = await userAt(stream);
    if (person.status !== 'active') return;
    // A claim outlives for a moment the address that it was for.
    const email = await openText(contents, claim.userId, person.user.email);
    if (email === undefined || loginStreamOf(serverKey, email) !== login) return;
    const origin = await origins({ ...request, caller: actingAs(claim.userId) });
    await runCommand(ports, {
      aggregate: users,
      stream,
      origin,
      refusals: {},
      decide: (state) => decideOfferReset({ now: now(), origin }, state),
    });
  }

  const forgotPassword: Handler<typeof passwordRoutes.forgotPassword> = async (request) => {
    await atLeast(ANSWER_AFTER_MS, offerReset(request));
    return { status: 202 };
  };

  const resetPassword: Handler<typeof passwordRoutes.resetPassword> = async (request) => {
    const { userId, fits } = linkOf(ports, LINK_PURPOSES.passwordReset, request.body.token);
    const stream = users.stream(userId);
    // Before the password is looked at: a stranger is to have nothing hashed here.
    const person = await userAt(stream);
    if (!openReset({ fits, now: now() }, person) || person.status !== 'active') throw tokenSpent();
    const { user } = person;
    const hash = await sealNewPassword(ports, { userId, user, password: request.body.password });
    const origin = await origins({ ...request, caller: actingAs(userId) });
    const { state } = await runCommand(ports, {
      aggregate: users,
      stream,
      origin,
      refusals: { 'token-spent': tokenSpent },
      decide: (state) => decideResetPassword({ hash, fits, now: now(), origin }, state),
    });
    const email = state.status === 'absent' ? undefined : await openText(contents, userId, state.user.email);
    if (email !== undefined) await releaseLogin(ports, { email, by: origin });
    return { status: 204 };
  };

  return { forgotPassword, resetPassword };
}
