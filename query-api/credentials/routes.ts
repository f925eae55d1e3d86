import { credentialRoutes } from '#contracts/credentials.ts';
import { viewCredential } from '#contracts/views.ts';
import { credentials } from '#events/credential.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type BoundRoute, etagOf } from '#platform/http/route.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import { notFound } from '../not-found.ts';
import { listStandings } from '../stored-list.ts';
import { createStandingReader, type StandingPorts, type StoredStanding } from '../stored-one.ts';

export function createCredentialRoutes(ports: StandingPorts): BoundRoute[] {
  const readStandings = createStandingReader(ports);

  /** One that was deleted is gone, and another tenant's is as good as absent. */
  const viewsOf = (id: string, tenantId: string, { standing }: StoredStanding) =>
    standing.of === 'credential' &&
    standing.state.status === 'stored' &&
    standing.state.credential.tenantId === tenantId
      ? [viewCredential(id, standing.state.credential)]
      : [];

  return bindRoutes(credentialRoutes, 'query', {
    listCredentials: async (request) => {
      const { tenantId } = request.caller;
      const documents = await ports.fresh.of(standingReadModel, request);
      const { items, next } = await listStandings(documents, credentials.list(tenantId), request.query);
      const data = items.flatMap((item) => viewsOf(item.id, tenantId, item));
      return { status: 200, body: { object: 'list', data, next } };
    },
    getCredential: async (request) => {
      const { caller, params } = request;
      const [stored] = await readStandings(request, [credentials.stream(params.id)]);
      const [view] = stored ? viewsOf(params.id, caller.tenantId, stored) : [];
      if (!stored || !view) throw notFound();
      return { status: 200, headers: { etag: etagOf(stored.revision) }, body: view };
    },
  });
}
