import { tenantRoutes } from '#contracts/tenants.ts';
import { viewTenant } from '#contracts/views.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import type { Origins } from '../origin.ts';
import { acknowledge } from '../run-command.ts';
import { createTenant, type TenantPorts } from './create-tenant.ts';

export interface TenantRoutePorts extends TenantPorts {
  readonly tokens: ConsistencyTokens;
  readonly origins: Origins;
}

export function createTenantRoutes(ports: TenantRoutePorts): BoundRoute[] {
  const { tokens, origins } = ports;
  return bindRoutes(tenantRoutes, 'command', {
    createTenant: async (request) => {
      const { name } = request.body;
      const origin = await origins(request);
      const id = origin.subjectId;
      const done = await createTenant(ports, { id, name, origin: { ...origin, tenantId: id } });
      return {
        status: 201,
        headers: {
          location: `/v1/tenants/${id}`,
          ...acknowledge(tokens, request.caller.tenantId, done, done.claims),
        },
        body: viewTenant(id, done.tenant),
      };
    },
  });
}
