// The projectors: from the bus into the read models, each in its versions.

import { projectionVersions } from '#events/projection.ts';
import type { Bus } from '#platform/bus/bus.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import { type ProjectionOptions, startProjection } from '#platform/projection/start-projection.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { openVersionStates } from '#platform/projection/version-states.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { definitionOf } from '#platform/projection/versions.ts';
import { IndexShapeDiffers, type SearchIndex } from '#platform/search-index/search-index.ts';
import { projectionStatesProjection } from './projections/projection.ts';
import { sayProjectorStatus } from './versions/say-status.ts';
import { startVersionFeeds } from './versions/version-feeds.ts';
import { startVersionKeeper } from './versions/version-keeper.ts';

export interface ProjectorOptions {
  /** See read-models.ts. */
  readonly readModels: readonly Projection[];
  readonly store: EventStore;
  readonly bus: Bus;
  /** Reads the event store itself, for rebuilds; left out where `bus` does. */
  readonly rebuildBus?: Bus | undefined;
  readonly readStore: ReadStore;
  readonly searchIndex: SearchIndex;
  readonly contents: Pick<Contents, 'open'>;
  readonly live: LiveChannel;
  readonly log: Log;
  readonly observe?: NonNullable<ProjectionOptions['observe']>;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

/** Makes the indices of the read models as they are read now. */
export async function defineIndices(
  ports: Pick<ProjectorOptions, 'readModels' | 'store' | 'readStore' | 'searchIndex'>,
): Promise<void> {
  const { store, readStore } = ports;
  const { directory } = openVersionStates({ store, readStore, ...projectionVersions });
  for (const projection of ports.readModels) {
    if (projection.kind === 'document') continue;
    const { live } = await directory.of(projection.name);
    // One of another shape is built anew by the projectors.
    await ports.searchIndex.define(definitionOf(projection.index, live)).catch((err: unknown) => {
      if (!(err instanceof IndexShapeDiffers)) throw err;
    });
  }
}

export async function startProjectors(options: ProjectorOptions) {
  const { store, bus, rebuildBus, readStore, searchIndex, contents, live, log, observe, now = Date.now } = options;
  const states = openVersionStates({ store, readStore, live, ...projectionVersions });
  const ports = { store, bus, rebuildBus, readStore, searchIndex, contents, live, log, observe, states, now };
  const known = await startProjection({
    projection: projectionStatesProjection,
    bus,
    store,
    readStore,
    searchIndex,
    live,
    log,
    ...(observe && { observe }),
  });
  const kept = await Promise.all(
    options.readModels.map(async (projection) => ({ projection, feeds: await startVersionFeeds(projection, ports) })),
  );
  const keeper = startVersionKeeper(kept, ports);
  const feeds = kept.map((one) => one.feeds);
  const silence = sayProjectorStatus(feeds, (name) => keeper.phaseOf(name), live, log);
  const running = [known, ...feeds];
  return {
    failed: Promise.race(running.map(({ failed }) => failed)),
    ready: () => running.every((projection) => projection.ready()),
    projections: running,
    async stop() {
      silence();
      await keeper.stop();
      await Promise.all(running.map((projection) => projection.stop()));
      states.close();
    },
  };
}
