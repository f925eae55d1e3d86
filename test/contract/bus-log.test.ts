import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { testTopicOf } from '../support/numbered-events.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { busContract, PARTITIONS } from './bus.contract.ts';

busContract(
  'embedded, over a log in memory',
  async () => {
    const store = createMemoryEventStore();
    const checkpoints = checkpointsInReadStore(createMemoryReadStore());
    const log = createQuietLog();
    return {
      store,
      openBus: async (mode) =>
        openLogBus({ store, topicOf: testTopicOf, partitions: PARTITIONS, checkpoints, log, ...(mode && { mode }) }),
      close: () => store.close(),
    };
  },
  { adversarial: true },
);
