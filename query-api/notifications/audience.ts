import { PLATFORM } from '#events/model.ts';
import type { Caller } from '#platform/http/route.ts';

/** Whose notifications a caller is shown, and of which permissions. */
export interface Audience {
  readonly tenants: readonly string[];
  readonly permissions: readonly string[];
}

/** Nobody's of a tenant that is suspended. */
export function audienceOf({ tenantId, permissions, suspended }: Caller): Audience {
  if (suspended !== undefined) return { tenants: [tenantId], permissions: [] };
  const tenants = permissions.has('platform') ? [...new Set([tenantId, PLATFORM])] : [tenantId];
  return { tenants, permissions: [...permissions] };
}
