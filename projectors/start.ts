// The projectors: from the bus into the read models.

import type { Bus } from '#platform/bus/bus.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { type ProjectionOptions, startProjection } from '#platform/projection/start-projection.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import { auditProjection } from './audit/projection.ts';
import { inferenceProjection } from './inference/projection.ts';
import { createTextOpener } from './inferences/open-texts.ts';
import { inferencesProjection } from './inferences/projection.ts';
import { standingProjection } from './standing/projection.ts';

export interface ProjectorOptions {
  readonly store: EventStore;
  readonly bus: Bus;
  readonly readStore: ReadStore;
  readonly searchIndex: SearchIndex;
  readonly contents: Contents;
  readonly live: LiveChannel;
  readonly log: Log;
  readonly observe?: NonNullable<ProjectionOptions['observe']>;
}

export async function startProjectors(options: ProjectorOptions) {
  const { contents, ...ports } = options;
  const start = (projection: Projection, open?: ProjectionOptions['open']) =>
    startProjection({ ...ports, projection, ...(open && { open }) });
  const running = await Promise.all([
    start(standingProjection as Projection),
    start(inferenceProjection as Projection),
    start(inferencesProjection as Projection, createTextOpener(contents)),
    start(auditProjection),
  ]);
  return {
    failed: Promise.race(running.map(({ failed }) => failed)),
    ready: () => running.every((projection) => projection.ready()),
    projections: running,
    async stop() {
      await Promise.all(running.map((projection) => projection.stop()));
    },
  };
}
