// Runs a projection over a log in memory, as the program would.

import { expect } from 'chai';
import type { AdversarialOptions } from '#platform/bus/adversarial-order.ts';
import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { startProjection, type ProjectionOptions } from '#platform/projection/start-projection.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import { eventually } from './eventually.ts';
import { testTopicOf } from './numbered-events.ts';
import { createQuietLog } from './quiet-log.ts';

export interface ProjectionRun {
  readonly projection: Projection;
  readonly store: EventStore;
  readonly readStore: ReadStore;
  readonly searchIndex?: SearchIndex;
  readonly live?: Pick<LiveChannel, 'publish'>;
  readonly topicOf?: (stream: string) => string | undefined;
  readonly mode?: AdversarialOptions;
  readonly options?: Partial<Pick<ProjectionOptions, 'maxBatch' | 'attempts' | 'firstPause' | 'open' | 'observe'>>;
}

/** Starts it; `settled` waits until it has nothing left to do. */
export async function runProjection(run: ProjectionRun) {
  const { projection, store, readStore, searchIndex = noSearchIndex, topicOf = testTopicOf, mode, options } = run;
  const log = createQuietLog();
  const checkpoints = checkpointsInReadStore(readStore);
  const bus = openLogBus({ store, topicOf, partitions: 4, checkpoints, log, ...(mode && { mode }) });
  const live = run.live ?? { publish: () => undefined };
  const running = await startProjection({
    projection,
    bus,
    store,
    readStore,
    searchIndex,
    live,
    log,
    firstPause: 1,
    ...options,
  });
  return {
    ...running,
    log,
    async settled() {
      await eventually(async () => expect(await running.lag()).to.equal(0), 20_000);
    },
    async stop() {
      await running.stop();
      await bus.close();
    },
  };
}

const refuse = () => Promise.reject(new TypeError('this test has no search index'));
const noSearchIndex: SearchIndex = {
  define: refuse,
  apply: refuse,
  search: refuse,
  aggregate: refuse,
  histogram: refuse,
  positions: refuse,
  refresh: refuse,
  digests: refuse,
  drop: refuse,
  publish: refuse,
  close: async () => {},
};
