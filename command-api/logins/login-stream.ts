import { createHmac, type KeyObject } from 'node:crypto';
import { normaliseEmail } from '#contracts/email.ts';
import { type LoginState, logins } from '#events/login.ts';
import { subjectOf } from '#events/streams.ts';

/** The stream of an e-mail address as a name to sign in by; named by a keyed digest, so that the log tells no address. */
export function loginStreamOf(serverKey: KeyObject, email: string): string {
  const digest = createHmac('sha256', serverKey)
    .update(`email:${normaliseEmail(email)}`)
    .digest('hex');
  return logins.stream(digest.slice(0, 32));
}

/** Under which tries to sign in by an address are counted: under another one after each unlock, wherever they are counted. */
export const loginAccountOf = (stream: string, { unlocks }: Pick<LoginState, 'unlocks'>): string =>
  `${subjectOf(stream)}.${unlocks}`;

/** Under which tries of who is signed in at their own password are counted, which nobody else can use up. */
export const ownAccountOf = (userId: string, { unlocks }: Pick<LoginState, 'unlocks'>): string =>
  `${userId}.${unlocks}`;
