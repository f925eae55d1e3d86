import type { Standing } from '#events/standing.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import type { Log } from '#platform/logging/log.ts';
import type { Platform } from '#platform/platform.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { createApiKeyRoutes } from './api-keys/routes.ts';
import { createAuditRoutes } from './audit/routes.ts';
import { createCredentialRoutes } from './credentials/routes.ts';
import { createFreshness } from './freshness.ts';
import { createInferenceRoutes } from './inferences/routes.ts';
import { createModelRoutes } from './models/routes.ts';
import { createTenantRoutes } from './tenants/routes.ts';

export interface QueryApiOptions {
  readonly platform: Platform;
  readonly standings: Standings<Standing>;
  readonly log: Log;
  readonly now: () => number;
}

/** The query side's routes, ready to be served. */
export function createQueryApi({ platform, standings, log, now }: QueryApiOptions): BoundRoute[] {
  const { store, bus, readStore, searchIndex, live, contents, tokens } = platform;
  const fresh = createFreshness({
    tokens,
    partitionOf: (topic, stream) => bus.partitionOf(topic, stream),
    live,
    readStore,
    searchIndex,
  });
  return [
    ...createInferenceRoutes({ store, readStore, searchIndex, contents, live, fresh, log }),
    ...createModelRoutes({ readStore, standings, fresh }),
    ...createTenantRoutes({ readStore, standings, fresh }),
    ...createApiKeyRoutes({ readStore, fresh, now }),
    ...createCredentialRoutes({ readStore, fresh }),
    ...createAuditRoutes({ searchIndex, fresh }),
  ];
}
