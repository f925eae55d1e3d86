import { type CountedTenantView, tenantRoutes } from '#contracts/tenants.ts';
import { viewTenant } from '#contracts/views.ts';
import { apiKeys } from '#events/api-key.ts';
import { members } from '#events/member.ts';
import { models } from '#events/model.ts';
import { tenants } from '#events/tenant.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type BoundRoute, etagOf, type Handler } from '#platform/http/route.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { FreshDocuments, TokenBearer } from '../freshness.ts';
import { notFound } from '../not-found.ts';
import { type Listed, listStandings } from '../stored-list.ts';
import { createStandingReader, type StandingPorts } from '../stored-one.ts';

export function createTenantRoutes(ports: StandingPorts): BoundRoute[] {
  const { fresh } = ports;
  const readStandings = createStandingReader(ports);

  const ofId = async (request: TokenBearer, id: string) => {
    const [stored] = await readStandings(request, [tenants.stream(id)]);
    if (stored === undefined) return undefined;
    const [view] = await viewsOf(await fresh.of(standingReadModel, request), [{ ...stored, id }]);
    return view && { view, revision: stored.revision };
  };

  const listTenants: Handler<typeof tenantRoutes.listTenants> = async (request) => {
    const { caller, query } = request;
    if (!caller.permissions.has('platform')) {
      const own = await ofId(request, caller.tenantId);
      return { status: 200, body: { object: 'list', data: own ? [own.view] : [], next: null } };
    }
    const documents = await fresh.of(standingReadModel, request);
    const { items, next } = await listStandings(documents, tenants.list(), query);
    return { status: 200, body: { object: 'list', data: await viewsOf(documents, items), next } };
  };

  const getTenant: Handler<typeof tenantRoutes.getTenant> = async (request) => {
    const tenant = await ofId(request, request.params.id);
    if (!tenant) throw notFound();
    return { status: 200, headers: { etag: etagOf(tenant.revision) }, body: tenant.view };
  };

  return bindRoutes(tenantRoutes, 'query', { listTenants, getTenant });
}

/** With how much each has, told by the length of its lists. */
async function viewsOf(
  documents: Pick<FreshDocuments, 'sizes'>,
  stored: readonly Pick<Listed, 'id' | 'standing'>[],
): Promise<CountedTenantView[]> {
  const sizes = await documents.sizes(
    stored.flatMap(({ id }) => [members.list(id), apiKeys.list(id), models.list(id)]),
  );
  return stored.flatMap(({ id, standing }, i) => {
    if (standing.of !== 'tenant') return [];
    const [people = 0, keys = 0, own = 0] = sizes.slice(3 * i, 3 * i + 3);
    return [{ ...viewTenant(id, standing.state), counts: { people, apiKeys: keys, models: own } }];
  });
}
