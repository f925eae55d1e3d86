import { problems } from '#contracts/problems.ts';
import { tenantRoutes } from '#contracts/tenants.ts';
import { viewTenant } from '#contracts/views.ts';
import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Handler } from '#platform/http/route.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { listStandings } from '../stored-list.ts';

export interface TenantQueryPorts {
  readonly standings: Pick<Standings<Standing>, 'get'>;
  readonly fresh: Freshness;
}

export function createTenantRoutes({ standings, fresh }: TenantQueryPorts): BoundRoute[] {
  const ofId = async (id: string) => {
    const [standing] = await standings.get([tenants.stream(id)]);
    return standing?.of === 'tenant' ? viewTenant(id, standing.state) : undefined;
  };

  const listTenants: Handler<typeof tenantRoutes.listTenants> = async (request) => {
    const { caller, query } = request;
    const documents = await fresh.of(standingReadModel, request);
    if (!caller.permissions.has('platform')) {
      const own = await ofId(caller.tenantId);
      return { status: 200, body: { object: 'list', data: own ? [own] : [], next: null } };
    }
    const { items, next } = await listStandings(documents, tenants.list(), query);
    const data = items.flatMap(({ id, standing }) =>
      standing.of === 'tenant' ? [viewTenant(id, standing.state)] : [],
    );
    return { status: 200, body: { object: 'list', data, next } };
  };

  const getTenant: Handler<typeof tenantRoutes.getTenant> = async (request) => {
    const { caller, params } = request;
    await fresh.of(standingReadModel, request);
    const mayRead = params.id === caller.tenantId || caller.permissions.has('platform');
    const tenant = mayRead ? await ofId(params.id) : undefined;
    if (!tenant) throw new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
    return { status: 200, body: tenant };
  };

  return bindRoutes(tenantRoutes, 'query', { listTenants, getTenant });
}
