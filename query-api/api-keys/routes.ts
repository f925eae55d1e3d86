import { apiKeyRoutes } from '#contracts/api-keys.ts';
import { viewApiKey } from '#contracts/views.ts';
import { apiKeys } from '#events/api-key.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { listStandings } from '../stored-list.ts';

export interface ApiKeyQueryPorts {
  readonly fresh: Freshness;
  readonly now: () => number;
}

export function createApiKeyRoutes({ fresh, now }: ApiKeyQueryPorts): BoundRoute[] {
  return bindRoutes(apiKeyRoutes, 'query', {
    listApiKeys: async (request) => {
      const documents = await fresh.of(standingReadModel, request);
      const { items, next } = await listStandings(documents, apiKeys.list(request.caller.tenantId), request.query);
      const data = items.flatMap(({ id, standing }) =>
        standing.of === 'apikey'
          ? [viewApiKey(id, standing.state.key, standing.state.status === 'revoked', now())]
          : [],
      );
      return { status: 200, body: { object: 'list', data, next } };
    },
  });
}
