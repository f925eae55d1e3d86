import { replayRoutes } from '#contracts/replay.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { Snapshots } from '#platform/event-store/snapshots.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { RecordRead } from '../audit/record-read.ts';
import type { ShownValues } from '../audit/shown-values.ts';
import type { Freshness } from '../freshness.ts';
import type { NewestEvents } from '../newest-events.ts';
import { createMoments } from './moments.ts';
import { createPastOfStreams } from './past-of-stream.ts';
import { createShownPast, type ShownTo } from './shown-past.ts';
import { createStreamHandlers } from './stream-routes.ts';
import { createTenantPastHandlers } from './tenant-routes.ts';

export interface ReplayPorts {
  readonly store: Pick<EventStore, 'head' | 'readAll' | 'readStream'>;
  readonly snapshots: Pick<Snapshots, 'find'>;
  readonly readStore: Pick<ReadStore, 'get' | 'keys'>;
  readonly fresh: Freshness;
  readonly shown: ShownValues;
  readonly recordRead: RecordRead;
  readonly newest: NewestEvents;
  readonly now: () => number;
}

export function createReplayRoutes(ports: ReplayPorts): BoundRoute[] {
  const { store, fresh, now, shown } = ports;
  const past = createPastOfStreams(ports);
  const moments = createMoments({ store, fresh, now });
  const shownTo: ShownTo = (viewer) => createShownPast(shown, viewer);
  return bindRoutes(replayRoutes, 'query', {
    ...createStreamHandlers({ ...ports, past, moments, shownTo }),
    ...createTenantPastHandlers({ ...ports, past, moments, shownTo }),
  });
}
