// Pages of events, walked both ways, and no larger than a reader would like to be sent in one go.

import type { AuditEventView } from '#contracts/audit.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { problems } from '#contracts/problems.ts';
import { Problem } from '#platform/http/problem.ts';
import { type PageEnd, readCursor, writeCursor } from '../page-cursor.ts';
import { withinBytes } from '../within-bytes.ts';
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

/** What its cursors are good for. */
const listOf = (order: PagePlace['order']) => `audit ${order}`;

/** Throws 422 for what is no place in a list, or two. */
export function placeOf({ order: asked, limit, after, before }: AskedPage): PagePlace {
  if (after !== undefined && before !== undefined) {
    const errors = [{ in: 'query' as const, pointer: '/before', message: 'Not together with `after`' }];
    throw new Problem(problems['invalid-request'], { errors });
  }
  const back = before !== undefined;
  const name = back ? 'before' : 'after';
  const order = asked === 'asc' ? 'ascending' : 'descending';
  return { order, limit, from: readCursor(listOf(order), before ?? after, name), back };
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
  const cursorOf = (end: PageEnd | undefined) => (end === undefined ? null : writeCursor(listOf(order), end));
  const opposite = order === 'ascending' ? 'descending' : 'ascending';
  const { events, rest } = await find({ order: back ? opposite : order, limit, after: from });
  const viewed = await Promise.all(events.map(({ event }) => view(event)));
  const data = withinBytes(viewed, MOST_BYTES);
  const isCut = data.length < viewed.length;
  const [first, last] = [events[0]?.end, events[data.length - 1]?.end];
  const beyond = isCut ? last : rest;
  // Whoever waits at the beginning of a list asks for what has come since by its first event, or as they did before.
  return back
    ? { data: data.toReversed(), next: cursorOf(first), previous: cursorOf(beyond ?? last ?? from) }
    : { data, next: cursorOf(beyond), previous: cursorOf(first) };
}
