// What a single-use link carries: whom it concerns, and a proof that this server offered it. Nothing of it is stored: the
// proof is derived from the event that made the offer, so whoever sends the link derives it too, a newer offer voids the
// older ones, and who can read the log but not the master key can make none.

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';

export interface LinkToken {
  /** What it is for, such as `invitation`: a token for one purpose proves nothing for another. */
  readonly purpose: string;
  /** Whom it concerns, such as a person's id. */
  readonly subject: string;
  /** base64url of 32 bytes. */
  readonly mac: string;
}

/** No dot, which parts the mac from the rest, and no more than what a URL's query carries as it is. */
const FORMAT = /^([A-Za-z0-9_-]{1,300})\.([A-Za-z0-9_-]{43})$/;
const HEAD = /^([a-z-]+) (\S+)$/;

const macOf = (serverKey: KeyObject, purpose: string, eventId: string) =>
  createHmac('sha256', serverKey).update(`${purpose}:${eventId}`).digest();

/** `eventId` is that of the event that offered it. Safe in a URL as it is. */
export function createLinkToken(serverKey: KeyObject, purpose: string, subject: string, eventId: string): string {
  const head = `${purpose} ${subject}`;
  if (!HEAD.test(head)) throw new TypeError('a purpose is small letters, a subject has no spaces');
  return `${Buffer.from(head).toString('base64url')}.${macOf(serverKey, purpose, eventId).toString('base64url')}`;
}

/** Undefined for what is no token. What it says is not to be believed before `linkTokenFits`. */
export function readLinkToken(text: string): LinkToken | undefined {
  const [, head = '', mac = ''] = FORMAT.exec(text) ?? [];
  const [, purpose, subject] = HEAD.exec(Buffer.from(head, 'base64url').toString()) ?? [];
  return purpose === undefined || subject === undefined ? undefined : { purpose, subject, mac };
}

/** Whether the token is the one that was offered by this event. In constant time. */
export function linkTokenFits(serverKey: KeyObject, { purpose, mac }: LinkToken, eventId: string): boolean {
  const given = Buffer.from(mac, 'base64url');
  const right = macOf(serverKey, purpose, eventId);
  return given.length === right.length && timingSafeEqual(given, right);
}
