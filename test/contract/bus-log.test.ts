import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { testTopicOf } from '../support/numbered-events.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { openStandInEventStore } from '../support/eventstore-event-store.ts';
import { openTemporaryEventStore } from '../support/sqlite-event-store.ts';
import { openTemporaryReadStore } from '../support/sqlite-read-models.ts';
import { busContract, PARTITIONS, type BusUnderTest } from './bus.contract.ts';

/** Of the contract's events; who wants all of them wants all events. */
const TOPICS = 2;

function underTest(store: EventStore, readStore: ReadStore, close: () => Promise<void>): BusUnderTest {
  const checkpoints = checkpointsInReadStore(readStore);
  const log = createQuietLog();
  return {
    store,
    openBus: async (mode) =>
      openLogBus({
        store,
        topicOf: testTopicOf,
        categoriesOf: (topics) =>
          topics.length === TOPICS ? undefined : new Set(topics.map((topic) => topic.slice(5))),
        partitions: PARTITIONS,
        checkpoints,
        log,
        ...(mode && { mode }),
      }),
    close,
  };
}

busContract(
  'embedded, over a log in memory',
  async () => {
    const store = createMemoryEventStore();
    return underTest(store, createMemoryReadStore(), () => store.close());
  },
  { reads: 'log', adversarialRuns: 40 },
);

describe('a bus that reads EventStoreDB', function () {
  this.timeout(60_000);
  busContract(
    'embedded, over EventStoreDB, stand-in',
    async () => {
      const store = await openStandInEventStore();
      return underTest(store, createMemoryReadStore(), () => store.close());
    },
    { reads: 'log', adversarialRuns: 4 },
  );
});

busContract(
  'embedded, over SQLite',
  async () => {
    const store = await openTemporaryEventStore();
    const readStore = await openTemporaryReadStore('here');
    return underTest(store, readStore.store, async () => {
      await store.close();
      await readStore.close();
    });
  },
  { reads: 'log', adversarialRuns: 4 },
);
