import { authRoutes } from '#contracts/auth.ts';
import type { Permission } from '#contracts/permissions.ts';
import { apiKeys } from '#events/api-key.ts';
import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import type { Contents } from '#platform/content/content.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute, Caller } from '#platform/http/route.ts';
import type { Standings } from '#platform/standing/standings.ts';
import type { Freshness, TokenBearer } from '../freshness.ts';
import { describePerson } from './describe-person.ts';

export interface AuthQueryPorts {
  readonly standings: Pick<Standings<Standing>, 'get'>;
  readonly fresh: Freshness;
  readonly contents: Pick<Contents, 'open'>;
}

export function createAuthRoutes(ports: AuthQueryPorts): BoundRoute[] {
  const { standings, fresh } = ports;

  const describeKey = async ({ actor, tenantId }: Caller, request: TokenBearer) => {
    fresh.check(request);
    const [key, tenant] = await standings.get([apiKeys.stream(actor.id), tenants.stream(tenantId)]);
    if (key?.of !== 'apikey' || tenant?.of !== 'tenant')
      throw new Error(`${actor.kind} ${actor.id} was let in, but has no standing`);
    const { name, scopes } = key.state.key;
    const tenantShown = { id: tenantId, name: tenant.state.name };
    return { kind: 'apiKey', id: actor.id, name, tenant: tenantShown, scopes: scopes as Permission[] };
  };

  return bindRoutes(authRoutes, 'query', {
    getMe: async (request) => {
      const { caller } = request;
      const isPerson = caller.actor.kind === 'user';
      const described = await (isPerson ? describePerson(ports, request) : describeKey(caller, request));
      return { status: 200, body: { ...described, permissions: [...caller.permissions] as Permission[] } };
    },
  });
}
