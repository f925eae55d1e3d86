// What the routes have in common that take a link of a mail: nobody is signed in there, and the link says who acts.

import type { KeyObject } from 'node:crypto';
import { problems } from '#contracts/problems.ts';
import { linkTokenFits, readLinkToken } from '#platform/auth/link-token.ts';
import type { Contents } from '#platform/content/content.ts';
import { Problem } from '#platform/http/problem.ts';
import type { CommandRoutePorts } from '../run-command.ts';

export interface LinkPorts extends CommandRoutePorts {
  readonly contents: Contents;
  readonly serverKey: KeyObject;
  readonly now: () => number;
}

/** The same for a link that is spent, expired, voided and made up. */
export const tokenSpent = () =>
  new Problem(problems['token-spent'], { detail: 'This link is no longer good: ask for a new one.' });

const USER_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whom a link concerns, and how to tell whether it is the one that an event offered. Throws `token-spent` for what is none. */
export function linkOf({ serverKey }: Pick<LinkPorts, 'serverKey'>, purpose: string, text: string) {
  const token = readLinkToken(text);
  if (token?.purpose !== purpose || !USER_ID.test(token.subject)) throw tokenSpent();
  return { userId: token.subject, fits: (eventId: string) => linkTokenFits(serverKey, token, eventId) };
}
