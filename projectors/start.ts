// The projectors: from the bus into the read models, each in its versions.

import { letterLanguage } from '#events/parked-letter.ts';
import { projectionVersions } from '#events/projection.ts';
import { startLetterReports } from '#platform/bus/letter-reports.ts';
import { newId } from '#platform/new-id.ts';
import { startProjection } from '#platform/projection/start-projection.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { openVersionStates } from '#platform/projection/version-states.ts';
import { definitionOf } from '#platform/projection/versions.ts';
import { IndexShapeDiffers } from '#platform/search-index/search-index.ts';
import { startListHints } from './hints/list-hints.ts';
import { projectionStatesProjection } from './projections/projection.ts';
import type { FeedPorts } from './versions/feed-options.ts';
import { sayProjectorStatus } from './versions/say-status.ts';
import { startVersionFeeds } from './versions/version-feeds.ts';
import { startVersionKeeper } from './versions/version-keeper.ts';

export interface ProjectorOptions extends Omit<FeedPorts, 'states' | 'letterReports' | 'hints' | 'now'> {
  /** See read-models.ts. */
  readonly readModels: readonly Projection[];
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

/** Makes the indices of the read models as they are read now. */
export async function defineIndices(
  ports: Pick<ProjectorOptions, 'readModels' | 'store' | 'readStore' | 'searchIndex' | 'log'>,
): Promise<void> {
  const { store, readStore, log } = ports;
  const { directory } = openVersionStates({ store, readStore, log, ...projectionVersions });
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
  const { store, readStore, live, log, observe, now = Date.now } = options;
  const states = openVersionStates({ store, readStore, live, log, ...projectionVersions });
  const letterReports = startLetterReports({ store, language: letterLanguage('projectors', newId), log });
  const { bus, searchIndex } = options;
  const hints = startListHints({ live, searchIndex, log });
  const ports = { ...options, states, letterReports, hints, now };
  const of = { bus, store, readStore, searchIndex, live, log, letterReports, ...(observe && { observe }) };
  const known = await startProjection({ ...of, projection: projectionStatesProjection });
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
      hints.stop();
      await letterReports.stop();
      states.close();
    },
  };
}
