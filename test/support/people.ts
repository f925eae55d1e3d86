// People who are invited, follow the link in their mail, and are signed in.

import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { SignedIn } from '#contracts/people.ts';
import type { Role } from '#contracts/permissions.ts';
import type { UserView } from '#contracts/users.ts';
import type { Flow } from '../flow/with-defter.ts';
import { type Api, createApi } from './api-client.ts';
import { eventually } from './eventually.ts';

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly session: SignedIn;
  /** A client with their access token, which acts in their own tenant unless a header names another. */
  readonly api: Api;
}

/** Many who sign in from one address are no attack here. */
export const MANY_SIGN_IN = { LOGIN_LIMIT_PER_ADDRESS: '100000' } as const;

let people = 0;
export const someEmail = (name = 'someone') => `${name}-${++people}@example.com`;
export const somePassword = () => randomBytes(12).toString('hex');

const LINK = /#([A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43})/;

/** The tokens of the links that were mailed to someone. */
async function mailedTokens(outbox: string, email: string): Promise<string[]> {
  const names = (await readdir(outbox)).filter((name) => name.endsWith('.eml'));
  const mails = await Promise.all(names.map((name) => readFile(join(outbox, name), 'utf8').catch(() => '')));
  return mails.filter((text) => text.includes(`To: ${email}\n`)).flatMap((text) => LINK.exec(text)?.[1] ?? []);
}

/** The token of the link in a mail to someone, none of those that are known already. */
export async function mailedToken(outbox: string, email: string, known: readonly string[] = []): Promise<string> {
  let found: string | undefined;
  await eventually(async () => {
    found = (await mailedTokens(outbox, email)).find((token) => !known.includes(token));
    expect(found, `a mail to ${email}`).to.be.a('string');
  }, 20_000);
  return found ?? '';
}

/** Signs in who has an account. */
export async function signIn(
  url: string,
  body: { readonly email: string; readonly password: string },
): Promise<SignedIn> {
  const answer = await createApi(url, undefined)<SignedIn>('POST', '/v1/auth/login', { body });
  expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
  return answer.body;
}

/** Invited by a client, with an account of their own from now on. */
export async function joinTenant(
  { url, outbox }: Pick<Flow, 'url' | 'outbox'>,
  inviter: Api,
  role: Role,
): Promise<Person> {
  const [email, password] = [someEmail(role), somePassword()];
  const invited = await inviter<UserView>('POST', '/v1/users', { body: { email, role } });
  expect(invited.status, JSON.stringify(invited.body)).to.equal(201);
  const body = { token: await mailedToken(outbox, email), name: 'Ada', password, language: 'en' };
  const accepted = await createApi(url, undefined)<SignedIn>('POST', '/v1/auth/invitation/accept', { body });
  expect(accepted.status, JSON.stringify(accepted.body)).to.equal(200);
  const session = accepted.body;
  return { id: invited.body.id, email, password, session, api: createApi(url, session.accessToken) };
}
