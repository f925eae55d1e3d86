// The adapter to EventStoreDB in tests, on a stand-in that the test can break.

import {
  type EventStoreDbDeadlines,
  type EventStoreDbEventStore,
  openEventStoreDbEventStore,
} from '#platform/event-store/eventstore-event-store.ts';
import { connectFaults, type Faults } from '../services/eventstore/faults.ts';
import { startEventStoreStandIn, type StandInSettings } from '../services/eventstore/recipe.ts';
import type { RunningService } from '../services/service.ts';
import { eventStoreAt } from './event-store-at.ts';
import { createQuietLog, type QuietLog } from './quiet-log.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface BreakableStandIn extends RunningService {
  readonly url: string;
  readonly faults: Faults;
  /** A store on it, closed by `stop` at the latest. */
  open(deadlines?: EventStoreDbDeadlines, maxQueued?: number): Promise<EventStoreDbEventStore>;
  /** What the stores said. */
  readonly log: QuietLog;
}

/** Quick to despair. */
export const shortDeadlines: EventStoreDbDeadlines = {
  appendAttempt: 300,
  append: 4_000,
  readAttempt: 300,
  read: 4_000,
  confirmation: 400,
  silence: 300,
  grace: 200,
  health: 300,
};

/** In a folder of its own, removed by `stop`. */
export async function startBreakableStandIn(settings: StandInSettings = {}): Promise<BreakableStandIn> {
  const folder = await temporaryFolder();
  const service = await startEventStoreStandIn(folder.path, settings);
  const { EVENTSTORE_URL: url = '', EVENTSTORE_FAULTS_URL: faultsUrl = '' } = service.environment;
  const stores: EventStoreDbEventStore[] = [];
  const log = createQuietLog();
  return {
    ...service,
    url,
    log,
    faults: connectFaults(faultsUrl),
    async open(deadlines = shortDeadlines, maxQueued = 10_000) {
      const store = await openEventStoreDbEventStore({ address: eventStoreAt(url), log, deadlines, maxQueued });
      stores.push(store);
      return store;
    },
    async stop() {
      await Promise.all(stores.map((store) => store.close()));
      await service.stop();
      await folder.remove();
    },
  };
}

/** A store on a stand-in of its own, both ended by `close`. */
export async function openStandInEventStore(): Promise<EventStoreDbEventStore> {
  const standIn = await startBreakableStandIn();
  const store = await standIn.open({});
  return { ...store, close: () => standIn.stop() };
}
