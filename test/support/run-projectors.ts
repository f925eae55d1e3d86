// Runs the projectors over a log and read models in memory or in files, as one of several processes would.

import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import type { AdversarialOptions } from '#platform/bus/adversarial-order.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import type { Projection } from '#platform/projection/projection.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import { topicOf } from '#events/aggregates.ts';
import { everyReadModel } from '../../projectors/read-models.ts';
import { startProjectors } from '../../projectors/start.ts';
import { testTopicOf } from './numbered-events.ts';
import { createQuietLog } from './quiet-log.ts';

export interface ProjectorsRun {
  readonly store: EventStore;
  readonly readStore: ReadStore;
  readonly searchIndex: SearchIndex;
  /** Left out: a channel of its own, as if nothing that others say arrived. */
  readonly live?: LiveChannel;
  /** Default: all that there are. */
  readonly readModels?: readonly Projection[];
  /** Whether versions are built from a bus of their own, as beside Kafka. */
  readonly rebuildBus?: boolean;
  readonly mode?: AdversarialOptions;
  readonly now?: () => number;
}

export async function runProjectors(run: ProjectorsRun) {
  const { store, readStore, searchIndex, mode } = run;
  const log = createQuietLog();
  const live = run.live ?? openLiveHub({ log });
  const openBus = () => {
    const checkpoints = checkpointsInReadStore(readStore);
    return openLogBus({
      store,
      topicOf: (stream) => topicOf(stream) ?? testTopicOf(stream),
      partitions: 4,
      checkpoints,
      log,
      ...(mode && { mode }),
    });
  };
  const bus = openBus();
  const rebuildBus = run.rebuildBus ? openBus() : undefined;
  const running = await startProjectors({
    readModels: run.readModels ?? everyReadModel,
    store,
    bus,
    rebuildBus,
    readStore,
    searchIndex,
    contents: { open: () => Promise.reject(new TypeError('these tests have no contents')) },
    live,
    log,
    ...(run.now && { now: run.now }),
  });
  return {
    ...running,
    partitionOf: (topic: string, stream: string) => bus.partitionOf(topic, stream),
    log,
    live,
    async stop() {
      await running.stop();
      await bus.close();
      await rebuildBus?.close();
      if (!run.live) await live.close();
    },
  };
}
