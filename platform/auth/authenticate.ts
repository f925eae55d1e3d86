// Who is calling, by the credential that a request carries, or why nobody is.

import type { Caller } from '../http/route.ts';

export type Authentication =
  | { readonly ok: true; readonly caller: Caller }
  /** `detail` is for the caller, where there is more to say than the reason. */
  | { readonly ok: false; readonly reason: Refusal; readonly detail?: string };

export type Refusal =
  | 'missing'
  | 'malformed'
  | 'unknown'
  | 'revoked'
  | 'expired'
  /** Only the access token: the session goes on. */
  | 'token-expired'
  | 'session-ended'
  /** The tenant that was asked for can be none, */
  | 'malformed-tenant'
  /** or the caller has no part in it, */
  | 'no-part'
  /** or nobody may act in it now. */
  | 'suspended';

export const refused = (reason: Refusal, detail?: string): Authentication => ({
  ok: false,
  reason,
  ...(detail !== undefined && { detail }),
});
