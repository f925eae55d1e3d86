import { authRoutes } from '#contracts/auth.ts';
import type { Permission } from '#contracts/permissions.ts';
import { apiKeys } from '#events/api-key.ts';
import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import type { Standings } from '#platform/standing/standings.ts';
import type { Freshness } from '../freshness.ts';

export interface AuthQueryPorts {
  readonly standings: Pick<Standings<Standing>, 'get'>;
  readonly fresh: Pick<Freshness, 'check'>;
}

export function createAuthRoutes({ standings, fresh }: AuthQueryPorts): BoundRoute[] {
  return bindRoutes(authRoutes, 'query', {
    getMe: async (request) => {
      const { actor, tenantId, permissions } = request.caller;
      fresh.check(request);
      const [key, tenant] = await standings.get([apiKeys.stream(actor.id), tenants.stream(tenantId)]);
      if (key?.of !== 'apikey' || tenant?.of !== 'tenant')
        throw new Error(`${actor.kind} ${actor.id} was let in, but has no standing`);
      const { name, scopes } = key.state.key;
      const body = {
        kind: 'apiKey',
        id: actor.id,
        name,
        tenant: { id: tenantId, name: tenant.state.name },
        permissions: [...permissions] as Permission[],
        scopes: scopes as Permission[],
      };
      return { status: 200, body };
    },
  });
}
