import type { KeyObject } from 'node:crypto';
import { logins } from '#events/login.ts';
import type { User } from '#events/user.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { loginStreamOf, ownAccountOf } from '../logins/login-stream.ts';
import { openText } from '../logins/open-text.ts';
import type { CommandPorts } from '../run-command.ts';
import { type PasswordPorts, type PasswordTry, type Tried, tryPassword } from './try-password.ts';

export interface OwnPasswordPorts extends PasswordPorts, Pick<CommandPorts, 'store' | 'snapshots'> {
  readonly serverKey: KeyObject;
}

export interface OwnPasswordTry extends Pick<PasswordTry, 'address' | 'password'> {
  readonly userId: string;
  readonly user: Pick<User, 'email' | 'hash'>;
}

/** As `tryPassword`, of a person who is known already; an unlock of their address lets them try again too. */
export async function tryOwnPassword(
  ports: OwnPasswordPorts,
  { userId, user: { email: sealed, hash }, ...rest }: OwnPasswordTry,
): Promise<Tried> {
  const { store, snapshots, contents, serverKey } = ports;
  const email = await openText(contents, userId, sealed);
  const stream = email === undefined ? undefined : loginStreamOf(serverKey, email);
  const { state } =
    stream === undefined ? { state: logins.initial } : await loadState({ store, snapshots, stream, decider: logins });
  const of = hash === null ? undefined : { userId, hash };
  return tryPassword(ports, { ...rest, account: ownAccountOf(userId, state), of });
}
