import type { Standing } from '#events/standing.ts';
import type { Config } from '#platform/config.ts';
import type { Service } from '#platform/service.ts';
import type { QueryApiOptions } from './start.ts';

const needs = ['store', 'partitionOf', 'readStore', 'searchIndex', 'live', 'contents', 'keyring', 'tokens'] as const;

export const createQueryApiService = (
  readModelsOf: (config: Config) => Promise<QueryApiOptions['readModels']>,
): Service<Standing> => ({
  name: 'query-api',
  needs,
  side: 'query',
  async start(use, { config, standings, log }) {
    const ports = await use(needs);
    const { openQueryApi } = await import('./start.ts');
    const readModels = await readModelsOf(config);
    const api = openQueryApi({ ports, standings: await standings(), readModels, log, now: Date.now });
    return { routes: api.routes, waitsFor: () => null, lags: {}, stop: async () => api.close() };
  },
});
