// Holding a password against a person's, with all that keeps it from being guessed: tries are counted before they are made,
// a password of nobody takes as long, and whoever is refused learns the same.

import { createHmac, type KeyObject } from 'node:crypto';
import { problems } from '#contracts/problems.ts';
import type { Content } from '#events/content.ts';
import type { User } from '#events/user.ts';
import type { Attempts } from '#platform/attempts/attempts.ts';
import type { Passwords } from '#platform/auth/passwords.ts';
import type { Contents } from '#platform/content/content.ts';
import { Problem } from '#platform/http/problem.ts';
import { tooManyRequests } from '#platform/http/too-many-requests.ts';
import { addressGroup } from '#platform/limits/address-group.ts';
import { openText } from '../logins/open-text.ts';

export interface PasswordPorts {
  readonly attempts: Attempts;
  readonly passwords: Passwords;
  readonly contents: Pick<Contents, 'open' | 'seal'>;
}

export interface PasswordTry {
  /** Under which tries are counted. */
  readonly account: string;
  /** Of the network; tries are counted by the group that it is in. */
  readonly address: string;
  readonly password: string;
  /** Whose it is, and what it is held against; nobody's where there is none. */
  readonly of: { readonly userId: string; readonly hash: Content } | undefined;
}

export type Tried =
  | { readonly right: true; readonly stale: boolean }
  /** `locks`: by this one the address is locked out of the account. */
  | { readonly right: false; readonly locks: boolean };

/** Throws 429 where no more may be tried now, and `overloaded`. */
export async function tryPassword(
  { attempts, passwords, contents }: PasswordPorts,
  { account, address, password, of }: PasswordTry,
): Promise<Tried> {
  const group = addressGroup(address);
  // Whoever is turned away for lack of room has tried nothing.
  return passwords.withRoom(async (verify) => {
    const attempt = await attempts.begin(account, group);
    if (!attempt.admitted) throw lockedOut(attempt.retryAfterMs);
    const opened = of && (await contents.open(of.userId, of.hash));
    const { right, stale } = await verify(password, typeof opened === 'string' ? opened : undefined);
    if (!right) return { right, locks: await attempts.failed(account, group, attempt.nth) };
    await attempts.succeeded(account, group);
    return { right, stale };
  });
}

export const lockedOut = (retryAfterMs: number): Problem =>
  tooManyRequests(problems['too-many-requests'], { detail: 'Too many failed attempts to sign in.', retryAfterMs });

export const invalidCredentials = () =>
  new Problem(problems['invalid-credentials'], {
    detail: 'The e-mail or the password is wrong.',
    headers: { 'www-authenticate': 'Bearer' },
  });

export interface NewPassword {
  readonly userId: string;
  readonly user: Pick<User, 'email'>;
  readonly password: string;
}

/** The hash of a new password, sealed for its person. Throws 422 for one that is tried first, and `overloaded`. */
export async function sealNewPassword(
  { passwords, contents }: Pick<PasswordPorts, 'passwords' | 'contents'>,
  { userId, user, password }: NewPassword,
): Promise<Content> {
  if (await passwords.isCommon(password, await openText(contents, userId, user.email)))
    throw new Problem(problems['invalid-request'], {
      errors: [{ in: 'body', pointer: '/password', message: 'is among the passwords that are tried first' }],
    });
  return contents.seal(userId, await passwords.hash(password));
}

/** What events say of a network address: the same for all of a group, and no address. */
export const addressIdOf = (serverKey: KeyObject, address: string): string =>
  createHmac('sha256', serverKey)
    .update(`address:${addressGroup(address)}`)
    .digest('hex')
    .slice(0, 32);
