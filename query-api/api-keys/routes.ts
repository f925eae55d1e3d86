import { apiKeyRoutes, type ApiKeyView } from '#contracts/api-keys.ts';
import { viewApiKey } from '#contracts/views.ts';
import { apiKeys } from '#events/api-key.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type BoundRoute, etagOf } from '#platform/http/route.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import { notFound } from '../not-found.ts';
import { listStandings } from '../stored-list.ts';
import { createStandingReader, type StandingPorts, type StoredStanding } from '../stored-one.ts';

export interface ApiKeyQueryPorts extends StandingPorts {
  readonly now: () => number;
}

export function createApiKeyRoutes({ now, ...ports }: ApiKeyQueryPorts): BoundRoute[] {
  const readStandings = createStandingReader(ports);

  const viewsOf = (id: string, { standing }: StoredStanding): ApiKeyView[] =>
    standing.of === 'apikey' ? [viewApiKey(id, standing.state.key, standing.state.status === 'revoked', now())] : [];

  return bindRoutes(apiKeyRoutes, 'query', {
    listApiKeys: async (request) => {
      const documents = await ports.fresh.of(standingReadModel, request);
      const { items, next } = await listStandings(documents, apiKeys.list(request.caller.tenantId), request.query);
      return { status: 200, body: { object: 'list', data: items.flatMap((item) => viewsOf(item.id, item)), next } };
    },
    getApiKey: async (request) => {
      const { caller, params } = request;
      const [stored] = await readStandings(request, [apiKeys.stream(params.id)]);
      const [view] = stored ? viewsOf(params.id, stored) : [];
      const mayRead = view?.tenantId === caller.tenantId || caller.permissions.has('platform');
      if (!stored || !view || !mayRead) throw notFound();
      return { status: 200, headers: { etag: etagOf(stored.revision) }, body: view };
    },
  });
}
