import { apiKeyRoutes, type ApiKeyView } from '#contracts/api-keys.ts';
import { viewApiKey } from '#contracts/views.ts';
import { apiKeys } from '#events/api-key.ts';
import { readKeyUses } from '#platform/auth/key-uses.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type BoundRoute, etagOf } from '#platform/http/route.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import { notFound } from '../not-found.ts';
import { type Listed, listStandings } from '../stored-list.ts';
import { createStandingReader, type StandingPorts } from '../stored-one.ts';

export interface ApiKeyQueryPorts extends StandingPorts {
  /** Where it is kept when keys were used. */
  readonly readStore: Pick<ReadStore, 'get'>;
  readonly now: () => number;
}

export function createApiKeyRoutes({ now, readStore, ...ports }: ApiKeyQueryPorts): BoundRoute[] {
  const readStandings = createStandingReader(ports);

  const viewsOf = async (stored: readonly Pick<Listed, 'id' | 'standing'>[]): Promise<ApiKeyView[]> => {
    const uses = await readKeyUses(
      readStore,
      stored.map(({ id }) => id),
    );
    return stored.flatMap(({ id, standing }, i) =>
      standing.of === 'apikey'
        ? [viewApiKey(id, standing.state.key, standing.state.status === 'revoked', { now: now(), lastUsedAt: uses[i] })]
        : [],
    );
  };

  return bindRoutes(apiKeyRoutes, 'query', {
    listApiKeys: async (request) => {
      const documents = await ports.fresh.of(standingReadModel, request);
      const { items, next } = await listStandings(documents, apiKeys.list(request.caller.tenantId), request.query);
      return { status: 200, body: { object: 'list', data: await viewsOf(items), next } };
    },
    getApiKey: async (request) => {
      const { caller, params } = request;
      const [stored] = await readStandings(request, [apiKeys.stream(params.id)]);
      const [view] = stored ? await viewsOf([{ ...stored, id: params.id }]) : [];
      const mayRead = view?.tenantId === caller.tenantId || caller.permissions.has('platform');
      if (!stored || !view || !mayRead) throw notFound();
      return { status: 200, headers: { etag: etagOf(stored.revision) }, body: view };
    },
  });
}
