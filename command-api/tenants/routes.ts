import { tenantRoutes } from '#contracts/tenants.ts';
import { viewTenant } from '#contracts/views.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { acknowledge, type CommandRoutePorts } from '../run-command.ts';
import { createTenant, type TenantPorts } from './create-tenant.ts';

export function createTenantRoutes(ports: TenantPorts & CommandRoutePorts): BoundRoute[] {
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
          ...acknowledge(tokens, request.caller.holder, done, done.claims),
        },
        body: viewTenant(id, done.tenant),
      };
    },
  });
}
