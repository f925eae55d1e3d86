import { snapshotShapeOf } from '#events/aggregates.ts';
import { projectionVersions } from '#events/projection.ts';
import type { Standing } from '#events/standing.ts';
import { createSnapshots } from '#platform/event-store/snapshots.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import type { Log } from '#platform/logging/log.ts';
import type { Ports } from '#platform/platform.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { liveDocuments } from '#platform/projection/version-directory.ts';
import { openVersionStates } from '#platform/projection/version-states.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { inferenceReadModel } from '../projectors/inference/read-model.ts';
import { standingReadModel } from '../projectors/standing/read-model.ts';
import { keysMadeBy } from './api-keys/keys-made-by.ts';
import { createApiKeyRoutes } from './api-keys/routes.ts';
import { createReadRecorder } from './audit/record-read.ts';
import { createAuditRoutes } from './audit/routes.ts';
import { createShownValues } from './audit/shown-values.ts';
import { homeOf } from './auth/memberships.ts';
import { createAuthRoutes } from './auth/routes.ts';
import { createSessionRoutes } from './auth/session-routes.ts';
import { wornSessions } from './auth/worn-sessions.ts';
import { createCredentialRoutes } from './credentials/routes.ts';
import { createFreshness } from './freshness.ts';
import { createInferenceReader, type InferenceReader } from './inferences/inference-reader.ts';
import { createInferenceRoutes } from './inferences/routes.ts';
import { createModelGrantRoutes } from './models/grant-routes.ts';
import { createModelRoutes } from './models/routes.ts';
import { namesToCompare } from './models/usable-models.ts';
import { openListChanges } from './notifications/list-changes.ts';
import { createNewestEvents } from './newest-events.ts';
import { createNotificationRoutes } from './notifications/routes.ts';
import { openProjectorStatus } from './operations/projector-status.ts';
import { createOperationRoutes } from './operations/routes.ts';
import { createReplayRoutes } from './replay/routes.ts';
import { createTenantRoutes } from './tenants/routes.ts';
import { createUserRoutes } from './users/routes.ts';

export interface QueryApiOptions {
  readonly ports: Pick<
    Ports,
    'store' | 'partitionOf' | 'readStore' | 'searchIndex' | 'live' | 'contents' | 'keyring' | 'tokens'
  >;
  readonly standings: Standings<Standing>;
  /** Those that this installation keeps. */
  readonly readModels: readonly Projection[];
  readonly log: Log;
  readonly now: () => number;
}

/** The query side's routes, ready to be served. */
export function openQueryApi(options: QueryApiOptions): { readonly routes: BoundRoute[]; close(): void } {
  const { ports, standings, readModels, log, now } = options;
  const { store, partitionOf, readStore, searchIndex, live, contents, keyring, tokens } = ports;
  const states = openVersionStates({ store, readStore, live, log, ...projectionVersions });
  const { directory, snapshots } = states;
  const status = openProjectorStatus(live);
  const fresh = createFreshness({
    tokens,
    partitionOf,
    live,
    readStore,
    searchIndex,
    directory,
  });
  const documents = readModels.some(({ name }) => name === inferenceReadModel.name)
    ? liveDocuments(readStore, inferenceReadModel.name, directory)
    : undefined;
  const newest = createNewestEvents({ store, fresh, now });
  const shown = createShownValues(contents);
  const recordRead = createReadRecorder({ store, contents, keyring, log, now });
  const inferences = createInferenceReader({ store, documents, contents, live });
  const streamSnapshots = createSnapshots(readStore, snapshotShapeOf, log);
  return {
    routes: [
      ...createInferenceRoutes({ inferences, live, fresh }),
      ...createModelRoutes({ standings, fresh }),
      ...createModelGrantRoutes({ standings, fresh }),
      ...createTenantRoutes({ standings, fresh }),
      ...createUserRoutes({ standings, fresh, contents }),
      ...createAuthRoutes({ standings, fresh, contents }),
      ...createSessionRoutes({ standings, fresh, contents, now }),
      ...createApiKeyRoutes({ standings, fresh, readStore, now }),
      ...createCredentialRoutes({ standings, fresh }),
      ...createAuditRoutes({ store, newest, standings, fresh, shown, recordRead, now }),
      ...createReplayRoutes({ store, snapshots: streamSnapshots, readStore, fresh, newest, shown, recordRead, now }),
      ...createNotificationRoutes({ store, snapshots: streamSnapshots, fresh, changes: openListChanges(live), now }),
      ...createOperationRoutes({ store, snapshots, readStore, fresh, readModels, statusOf: status.of }),
    ],
    close() {
      status.close();
      states.close();
    },
  };
}

/** What the command API's answers show of the read side. */
export interface ReadsForCommands {
  /** Undefined also when it cannot be read: that it was accepted is answered all the same. */
  readonly waitForInference: InferenceReader['waitFor'];
  /** Names of models that a tenant may use, to guess which one was meant. */
  readonly modelNames: (tenantId: string) => Promise<readonly string[]>;
  readonly apiKeysMadeBy: (userId: string, tenantId: string) => Promise<readonly string[]>;
  /** The tenant in which a person acts who names none. */
  readonly homeOf: (userId: string) => Promise<string>;
  /** The ids of a person's sessions that go on no more, or are too many. */
  readonly wornSessionsOf: (userId: string, now: number) => Promise<readonly string[]>;
  close(): void;
}

export function openReadsForCommands(
  { store, readStore, live, contents }: Pick<Ports, 'store' | 'readStore' | 'live' | 'contents'>,
  log: Log,
): ReadsForCommands {
  const states = openVersionStates({ store, readStore, live, log, ...projectionVersions });
  const standings = liveDocuments(readStore, standingReadModel.name, states.directory);
  // What has just begun has no document yet.
  const inferences = createInferenceReader({ store, documents: undefined, contents, live });
  return {
    waitForInference: (tenantId, id, waitMs, signal) =>
      inferences.waitFor(tenantId, id, waitMs, signal).catch((err: unknown) => {
        log.warn({ err, inferenceId: id }, 'an inference was accepted, but could not be waited for');
        return undefined;
      }),
    modelNames: (tenantId) => namesToCompare(standings, tenantId),
    apiKeysMadeBy: (userId, tenantId) => keysMadeBy(standings, userId, tenantId),
    homeOf: (userId) => homeOf(standings, userId),
    wornSessionsOf: (userId, now) => wornSessions(standings, userId, now),
    close: () => states.close(),
  };
}
