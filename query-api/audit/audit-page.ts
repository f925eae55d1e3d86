// Pages of events, walked both ways, and no larger than a reader would like to be sent in one go.

import type { AuditEventView } from '#contracts/audit.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { problems } from '#contracts/problems.ts';
import { Problem } from '#platform/http/problem.ts';
import { type PageEnd, readCursor, writeCursor } from '../page-cursor.ts';
import type { FindEvents } from './find-events.ts';

/** Of JSON; one event may be larger. */
const MOST_BYTES = 1_048_576;

export interface AskedPage {
  readonly order: 'desc' | 'asc';
  readonly limit: number;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

export interface PagePlace {
  readonly order: 'ascending' | 'descending';
  readonly limit: number;
  readonly from: PageEnd | undefined;
  /** True: the page before `from`, not the one after it. */
  readonly back: boolean;
}

/** Throws 422 for what is no place in a list, or two. */
export function placeOf({ order, limit, after, before }: AskedPage): PagePlace {
  if (after !== undefined && before !== undefined) {
    const errors = [{ in: 'query' as const, pointer: '/before', message: 'Not together with `after`' }];
    throw new Problem(problems['invalid-request'], { errors });
  }
  const back = before !== undefined;
  const name = back ? 'before' : 'after';
  return {
    order: order === 'asc' ? 'ascending' : 'descending',
    limit,
    from: readCursor(before ?? after, name),
    back,
  };
}

export interface EventPage {
  readonly data: readonly AuditEventView[];
  readonly next: string | null;
  readonly previous: string | null;
}

/** The page of the place; cut short where its events are large. */
export async function eventPage(
  find: FindEvents,
  { order, limit, from, back }: PagePlace,
  view: (event: RecordedEvent) => Promise<AuditEventView>,
): Promise<EventPage> {
  const opposite = order === 'ascending' ? 'descending' : 'ascending';
  const { events, rest } = await find({ order: back ? opposite : order, limit, after: from });
  const viewed = await Promise.all(events.map(({ event }) => view(event)));
  const kept = howManyFit(viewed);
  const data = viewed.slice(0, kept);
  const end = kept < viewed.length ? events[kept - 1]?.end : rest;
  const first = events[0]?.end;
  const [beyond, behind] = [end && writeCursor(end), from && first && writeCursor(first)];
  return back
    ? { data: data.toReversed(), next: behind ?? null, previous: beyond ?? null }
    : { data, next: beyond ?? null, previous: behind ?? null };
}

function howManyFit(views: readonly AuditEventView[]): number {
  let bytes = 0;
  const tooMany = views.findIndex((view, i) => {
    bytes += Buffer.byteLength(JSON.stringify(view));
    return i > 0 && bytes > MOST_BYTES;
  });
  return tooMany < 0 ? views.length : tooMany;
}
