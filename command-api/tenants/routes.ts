import { problems } from '#contracts/problems.ts';
import { tenantRoutes } from '#contracts/tenants.ts';
import { viewTenant } from '#contracts/views.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { acknowledge } from '../acknowledge.ts';
import { replayHeaders } from '../create-once.ts';
import type { Origins } from '../origin.ts';
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
      const { subjectId: id, repeatable, ...origin } = await origins(request);
      const done = await createTenant(ports, { id, name, origin: { ...origin, tenantId: id }, repeatable });
      if (done === 'taken' || done.standing?.of !== 'tenant') {
        const errors = [{ in: 'body' as const, pointer: '/name', message: 'is the name of another tenant' }];
        throw new Problem(problems['name-taken'], { detail: 'Another tenant has this name.', errors });
      }
      return {
        status: 201,
        headers: {
          location: `/v1/tenants/${id}`,
          ...acknowledge(tokens, request.caller.tenantId, done.writes),
          ...replayHeaders(done.replayed),
        },
        body: viewTenant(id, done.standing.state),
      };
    },
  });
}
