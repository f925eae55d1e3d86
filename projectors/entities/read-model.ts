// What a tenant has and had: one row for each stream with a standing, by the position of its first event, with whose it is
// and from when until when it was there. What it was like at a moment is folded from the log, or is its standing where
// nothing has changed since.

import type { RecordedEvent } from '#events/envelope.ts';
import { type Standing, evolveStanding, hasStanding, isThere, ownerOf, standingTopics } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import type { StreamRowProjection } from '#platform/projection/projection.ts';

/** In the place of the position at which it left, while it is there. */
export const STILL_THERE = Number.MAX_SAFE_INTEGER;

export interface EntityRow {
  readonly stream: string;
  readonly standing: Standing;
  /** The position of its last event, and when that was recorded. */
  readonly changed: number;
  readonly changedAt: number;
  /** The position at which it last left. One that came back was away in between, which only its events tell. */
  readonly gone: number;
}

export const entitiesReadModel: StreamRowProjection<EntityRow> = {
  kind: 'stream-row',
  name: 'entities',
  topics: standingTopics,
  index: {
    name: 'entities',
    fields: {
      owner: 'keyword',
      kind: 'code',
      stream: 'keyword',
      born: 'number',
      changed: 'number',
      changedAt: 'number',
      gone: 'number',
    },
    sortBy: 'born',
    partitionBy: 'owner',
    numbered: true,
    findBy: ['kind'],
  },
  concerns: hasStanding,
  project(before, event) {
    const standing = evolveStanding(before?.standing, event);
    return standing === undefined ? 'ignore' : rowOf(before, standing, event);
  },
  fields: ({ stream, standing, changed, changedAt, gone }) => ({
    owner: ownerOf(stream, standing),
    kind: categoryOf(stream),
    stream,
    changed,
    changedAt,
    gone,
  }),
  // What has left seldom comes back; then it is folded again.
  ended: ({ gone }) => gone !== STILL_THERE,
};

function rowOf(before: EntityRow | undefined, standing: Standing, event: RecordedEvent): EntityRow {
  const { stream, recordedAt: changedAt } = event;
  const changed = Number(event.position);
  const gone = isThere(stream, standing) ? STILL_THERE : Math.min(before?.gone ?? STILL_THERE, changed);
  return { stream, standing, changed, changedAt, gone };
}
