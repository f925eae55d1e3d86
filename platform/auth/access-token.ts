// What a person signs in for: a JSON Web Token (RFC 7519) of 15 minutes, HS256. It says who, in which session and in which
// tenant unless a request names another; what the person may do is asked of the standings each time.

import jwt from 'jsonwebtoken';
import type { AccessKeys } from './access-keys.ts';

export const ACCESS_TOKEN_SECONDS = 15 * 60;
export const ALGORITHM = 'HS256';
/** Both who makes access tokens and whom they are for. */
export const ISSUER = 'defter';

export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly tenantId: string;
}

/** `now` in milliseconds since the epoch. */
export function createAccessToken(
  keys: AccessKeys,
  { userId, sessionId, tenantId }: AccessClaims,
  now: number,
): string {
  const { kid, key } = keys.current(now);
  const iat = Math.floor(now / 1_000);
  return jwt.sign({ sub: userId, sid: sessionId, tid: tenantId, iat }, key, {
    algorithm: ALGORITHM,
    keyid: kid,
    issuer: ISSUER,
    audience: ISSUER,
    expiresIn: ACCESS_TOKEN_SECONDS,
  });
}

/** Of a token whose signature was right; undefined for one that is not as `createAccessToken` makes it. */
export function claimsOf(payload: unknown): (AccessClaims & { readonly expiresAt: number }) | undefined {
  const { sub, sid, tid, exp } = payload as Readonly<Record<string, unknown>>;
  if (typeof sub !== 'string' || typeof sid !== 'string' || typeof tid !== 'string' || typeof exp !== 'number')
    return undefined;
  return { userId: sub, sessionId: sid, tenantId: tid, expiresAt: exp * 1_000 };
}
