// What a session goes on by: `dfr_<sessionId>_<number>_<mac>`, the mac an HMAC of both under the server's key. The session's
// stream holds the number and nothing else, so a token can be made again for a repeat, and nobody can make one from the log.

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';

// Read by position: base64url holds `_`.
const FORMAT = /^dfr_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})_([0-9]{8})_([A-Za-z0-9_-]{43})$/;
const DIGITS = 8;

export interface RefreshToken {
  readonly sessionId: string;
  /** How often the session was refreshed before it was given. */
  readonly number: number;
}

const macOf = (serverKey: KeyObject, { sessionId, number }: RefreshToken) =>
  createHmac('sha256', serverKey).update(`refresh:${sessionId}:${number}`).digest();

export function createRefreshToken(serverKey: KeyObject, token: RefreshToken): string {
  const number = String(token.number).padStart(DIGITS, '0');
  return `dfr_${token.sessionId}_${number}_${macOf(serverKey, token).toString('base64url')}`;
}

/** Undefined for what this server never gave. */
export function readRefreshToken(serverKey: KeyObject, text: string): RefreshToken | undefined {
  const [, sessionId, digits, mac] = FORMAT.exec(text) ?? [];
  if (sessionId === undefined || digits === undefined || mac === undefined) return undefined;
  const token = { sessionId, number: Number(digits) };
  const given = Buffer.from(mac, 'base64url');
  const right = macOf(serverKey, token);
  return given.length === right.length && timingSafeEqual(given, right) ? token : undefined;
}
