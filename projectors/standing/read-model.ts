// What each request must know of tenants, keys, credentials and models, and the lists of them (events/standing.ts).

import { evolveStanding, listingOf, type Standing, STANDING_CATEGORIES, standingKey } from '#events/standing.ts';
import { categoryOf, TOPICS } from '#events/streams.ts';
import type { DocumentProjection } from '#platform/projection/projection.ts';

export const standingReadModel: DocumentProjection<Standing> = {
  kind: 'document',
  name: 'standing',
  topics: [TOPICS.identity, TOPICS.models],
  withoutCounts: true,
  keyOf: (stream) => (STANDING_CATEGORIES.has(categoryOf(stream)) ? standingKey(stream) : undefined),
  project(before, event) {
    const standing = evolveStanding(before, event);
    if (standing === undefined) return 'ignore';
    return { document: standing, members: [listingOf(event.stream, standing)] };
  },
};
