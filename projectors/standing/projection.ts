import { evolveStanding, listingOf, type Standing, STANDING_CATEGORIES, standingKey } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import type { DocumentProjection } from '#platform/projection/projection.ts';
import { STANDING } from './read-model.ts';

export const standingProjection: DocumentProjection<Standing> = {
  kind: 'document',
  ...STANDING,
  withoutCounts: true,
  keyOf: (stream) => (STANDING_CATEGORIES.has(categoryOf(stream)) ? standingKey(stream) : undefined),
  project(before, event) {
    const standing = evolveStanding(before, event);
    if (standing === undefined) return 'ignore';
    return { document: standing, members: [listingOf(event.stream, standing)] };
  },
};
