import type { Permission } from '#contracts/permissions.ts';
import { apiKeys } from '#events/api-key.ts';
import { type Standing, keyRecordOf, keyTenantOf } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { createAuthenticator } from '#platform/auth/authenticate.ts';
import type { Standings } from '#platform/standing/standings.ts';

/** Who holds it has a part in every tenant. */
const EVERYWHERE: Permission = 'platform';

/** API keys, by the standings of the key and of its tenant. */
export const createKeyAuthenticator = (standings: Pick<Standings<Standing>, 'get'>) =>
  createAuthenticator(async (keyId, knownTenantId) => {
    const known = knownTenantId === undefined ? [] : [tenants.stream(knownTenantId)];
    const [key, tenant] = await standings.get([apiKeys.stream(keyId), ...known]);
    const tenantId = keyTenantOf(key);
    if (tenantId === undefined || tenantId === knownTenantId) return keyRecordOf(key, tenant);
    return keyRecordOf(key, (await standings.get([tenants.stream(tenantId)]))[0]);
  }, EVERYWHERE);
