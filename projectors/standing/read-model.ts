// What each request must know of tenants, keys, credentials and models, and the lists of them (events/standing.ts).

import {
  type Standing,
  evolveStanding,
  hasStanding,
  listingsOf,
  standingKey,
  standingTopics,
} from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import type { DocumentProjection } from '#platform/projection/projection.ts';

export const standingReadModel: DocumentProjection<Standing> = {
  kind: 'document',
  name: 'standing',
  topics: standingTopics,
  withoutCounts: true,
  hintOf: ({ stream }) => (hasStanding(stream) ? categoryOf(stream) : undefined),
  keyOf: (stream) => (hasStanding(stream) ? standingKey(stream) : undefined),
  project(before, event) {
    const standing = evolveStanding(before, event);
    if (standing === undefined) return 'ignore';
    return { document: standing, members: listingsOf(event.stream, standing) };
  },
};
