import type { RecordedEvent } from '#events/envelope.ts';
import { evolveStanding, type Standing, STANDING_CATEGORIES } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';

/** Whether this stream has a standing at all. */
export const hasStanding = (stream: string) => STANDING_CATEGORIES.has(categoryOf(stream));

export const projectStanding = (before: Standing | undefined, event: RecordedEvent): Standing | undefined =>
  evolveStanding(before, event);
