// Who is calling, by either kind of credential. Each request reads the standings of its credential, its person and its
// tenant, all at once: who was put out is out on every replica.

import type { Standing } from '#events/standing.ts';
import { refused } from '#platform/auth/authenticate.ts';
import type { Authenticate } from '#platform/http/authentication.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { createKeyCallers } from './key-callers.ts';
import { createPersonCallers } from './person-callers.ts';

/** As ids of tenants are (contracts/primitives.ts). */
const TENANT_ID = /^[A-Za-z0-9_-]{1,64}$/;
const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i;

export function createAuthenticator(
  standings: Pick<Standings<Standing>, 'get'>,
  now: () => number = Date.now,
): Authenticate {
  const keyCaller = createKeyCallers(standings);
  const personCaller = createPersonCallers(standings);
  return ({ headers }, { token, tokenSent, jwtOriginalError }) => {
    const { authorization, 'x-tenant-id': tenantId } = headers;
    if (tenantId !== undefined && (typeof tenantId !== 'string' || !TENANT_ID.test(tenantId)))
      return refused('malformed-tenant');
    if (token !== undefined) return personCaller(token, tenantId, now());
    if (tokenSent) return refused(isExpiry(jwtOriginalError) ? 'token-expired' : 'unknown');
    if (authorization === undefined || authorization === '') return refused('missing');
    const key = BEARER.exec(authorization)?.[1];
    return key === undefined ? refused('malformed') : keyCaller(key, tenantId, now());
  };
}

/** As jsonwebtoken says that a token was good and is no longer. */
const isExpiry = (error: unknown) => error instanceof Error && error.name === 'TokenExpiredError';
