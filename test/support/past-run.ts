// The past of a history, as the query API reads it: a log in memory, the projectors over it, and what reads both.

import { projectionVersions } from '#events/projection.ts';
import type { NewEvent } from '#events/envelope.ts';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import { openVersionStates } from '#platform/projection/version-states.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import { entitiesReadModel } from '../../projectors/entities/read-model.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import { createFreshness } from '../../query-api/freshness.ts';
import { createPastOfStreams } from '../../query-api/replay/past-of-stream.ts';
import { eventually } from './eventually.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { createMemoryReadStore } from './memory-read-store.ts';
import { createQuietLog } from './quiet-log.ts';
import { runProjectors } from './run-projectors.ts';
import { openTemporarySearchIndex } from './sqlite-read-models.ts';

const READ_MODELS = [standingReadModel, entitiesReadModel, auditReadModel];

const NOBODY = {
  tenantId: 'acme',
  actor: { kind: 'system', id: 'test' },
  holder: 'test',
  permissions: new Set<string>(),
  permissionsIn: () => undefined,
} as const;

/** Each entry is appended for itself, a second after the one before. */
export type PastHistory = readonly (readonly [stream: string, event: NewEvent])[];

export async function openPast(history: PastHistory) {
  let now = 0;
  const store = createMemoryEventStore(() => now);
  const positions: bigint[] = [];
  for (const [stream, event] of history) {
    now += 1_000;
    positions.push((await store.append(stream, [event], 'any')).position);
  }
  const search = await openTemporarySearchIndex('here');
  const readStore = createMemoryReadStore(() => now);
  const log = createQuietLog();
  const live = openLiveHub({ log });
  const searchIndex = search.index;
  const projectors = await runProjectors({ store, readStore, searchIndex, live, readModels: READ_MODELS });
  const states = openVersionStates({ store, readStore, live, log, ...projectionVersions });
  const fresh = createFreshness({
    tokens: { issue: () => '', read: () => ({ ok: true, entries: [] }) },
    partitionOf: projectors.partitionOf,
    live,
    readStore,
    searchIndex,
    directory: states.directory,
  });
  await eventually(async () => {
    const lags = await Promise.all(projectors.projections.map((one) => one.lag()));
    if (lags.some((lag) => lag > 0)) throw new Error(`projections lag by ${lags.join(', ')}`);
  }, 10_000);
  return {
    store,
    readStore,
    fresh,
    /** Of the events, in their order. */
    positions,
    now: () => now,
    request: { caller: NOBODY, consistencyToken: undefined },
    past: createPastOfStreams({ store, snapshots: { find: async () => undefined } }),
    /** A second later; the read models may not show it yet. */
    async append(stream: string, event: NewEvent) {
      now += 1_000;
      return (await store.append(stream, [event], 'any')).position;
    },
    async close() {
      states.close();
      await projectors.stop();
      await live.close();
      await search.close();
    },
  };
}
