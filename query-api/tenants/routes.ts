import { tenantRoutes } from '#contracts/tenants.ts';
import { viewTenant } from '#contracts/views.ts';
import { tenants } from '#events/tenant.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type BoundRoute, etagOf, type Handler } from '#platform/http/route.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { TokenBearer } from '../freshness.ts';
import { notFound } from '../not-found.ts';
import { listStandings } from '../stored-list.ts';
import { createStandingReader, type StandingPorts } from '../stored-one.ts';

export function createTenantRoutes(ports: StandingPorts): BoundRoute[] {
  const { fresh } = ports;
  const readStandings = createStandingReader(ports);

  const ofId = async (request: TokenBearer, id: string) => {
    const [stored] = await readStandings(request, [tenants.stream(id)]);
    if (stored?.standing.of !== 'tenant') return undefined;
    return { view: viewTenant(id, stored.standing.state), revision: stored.revision };
  };

  const listTenants: Handler<typeof tenantRoutes.listTenants> = async (request) => {
    const { caller, query } = request;
    if (!caller.permissions.has('platform')) {
      const own = await ofId(request, caller.tenantId);
      return { status: 200, body: { object: 'list', data: own ? [own.view] : [], next: null } };
    }
    const documents = await fresh.of(standingReadModel, request);
    const { items, next } = await listStandings(documents, tenants.list(), query);
    const data = items.flatMap(({ id, standing }) =>
      standing.of === 'tenant' ? [viewTenant(id, standing.state)] : [],
    );
    return { status: 200, body: { object: 'list', data, next } };
  };

  const getTenant: Handler<typeof tenantRoutes.getTenant> = async (request) => {
    const tenant = await ofId(request, request.params.id);
    if (!tenant) throw notFound();
    return { status: 200, headers: { etag: etagOf(tenant.revision) }, body: tenant.view };
  };

  return bindRoutes(tenantRoutes, 'query', { listTenants, getTenant });
}
