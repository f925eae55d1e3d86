// Events that meet a filter, in the order of the log: found by the index, or of one stream in the log itself, and read from
// the log either way, so that what is shown is what was written.

import { aggregateOf } from '#events/aggregates.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { Hit } from '#platform/search-index/search-index.ts';
import type { FreshIndex } from '../freshness.ts';
import type { PageEnd } from '../page-cursor.ts';
import { inTurn } from '../in-turn.ts';
import { type AuditFilter, isAsked, queryOf } from './audit-filter.ts';

export interface Walk {
  readonly order: 'ascending' | 'descending';
  readonly limit: number;
  /** Where the walk before ended. */
  readonly after: PageEnd | undefined;
}

export interface FoundEvent {
  readonly event: RecordedEvent;
  /** By which a walk goes on after it. */
  readonly end: PageEnd;
}

export interface Found {
  readonly events: readonly FoundEvent[];
  /** Where the walk goes on; undefined at its end. It may go on though fewer than `limit` were found. */
  readonly rest: PageEnd | undefined;
}

export type FindEvents = (walk: Walk) => Promise<Found>;

type Store = Pick<EventStore, 'readStream'>;

/** Events of a stream between two that were found are read along, up to so many. */
const GAP = 8;

export function findByIndex(index: Pick<FreshIndex, 'search'>, store: Store, filter: AuditFilter): FindEvents {
  const query = queryOf(filter);
  return async ({ order, limit, after }) => {
    const hits = await index.search({ ...query, order, limit: limit + 1, ...(after && { after }) });
    const page = hits.slice(0, limit);
    const last = page.at(-1);
    const events = await readFound(store, page);
    return {
      // What the index has and the log has not is of another log: it is not shown.
      events: page.flatMap((hit, i) => {
        const event = events[i];
        return event ? [{ event, end: endOf(hit) }] : [];
      }),
      rest: hits.length > limit && last ? endOf(last) : undefined,
    };
  };
}

/** What any of these find, in one order; no two of them may find the same event. */
export function findInAll(finders: readonly FindEvents[]): FindEvents {
  return async (walk) => {
    const ahead = walk.order === 'ascending' ? 1 : -1;
    const found = await Promise.all(finders.map((find) => find(walk)));
    const inOrder = found
      .flatMap(({ events }) => events)
      .toSorted((one, other) => ahead * (one.end.sort - other.end.sort));
    // Beyond where one of them stopped it may have more.
    const [stop] = found.flatMap(({ rest }) => rest ?? []).toSorted((one, other) => ahead * (one.sort - other.sort));
    const known = inOrder.filter(({ end }) => stop === undefined || ahead * (end.sort - stop.sort) <= 0);
    const events = known.slice(0, walk.limit);
    return { events, rest: events.length < known.length ? events.at(-1)?.end : stop };
  };
}

const endOf = ({ sort, id }: Hit): PageEnd => ({ sort, id });

/** The events of hits, each in its hit's place; those of one stream that are near each other are read in one go. */
async function readFound(store: Store, hits: readonly Hit[]): Promise<(RecordedEvent | undefined)[]> {
  const found = new Map<string, RecordedEvent>();
  const name = (stream: string, revision: number) => `${revision} ${stream}`;
  const reads = [...Map.groupBy(hits, ({ fields }) => String(fields['stream']))].flatMap(([stream, of]) =>
    runsOf(of.map(({ revision }) => revision)).map((run) => ({ stream, ...run })),
  );
  const read = await inTurn(reads, ({ stream, from, to }) => store.readStream(stream, { from, limit: to - from + 1 }));
  for (const event of read.flat()) found.set(name(event.stream, event.revision), event);
  return hits.map(({ fields, revision }) => found.get(name(String(fields['stream']), revision)));
}

/** Stretches that have all of these revisions in them. */
export function runsOf(revisions: readonly number[]): { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const revision of revisions.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && revision - last.to <= GAP) last.to = revision;
    else runs.push({ from: revision, to: revision });
  }
  return runs;
}

/** Events of a stream that are read for one page, whether they are asked for or not. */
const MOST_READ = 5_000;
const READ_AT_ONCE = 500;

/** Names the place in a stream's own order, where the log itself is walked. */
const IN_STREAM = 'revision';

export function findInStream(store: Store, stream: string, filter: AuditFilter): FindEvents {
  // What is no stream of ours may be something else to the event store.
  if (aggregateOf(stream) === undefined) return async () => ({ events: [], rest: undefined });
  return async ({ order, limit, after }) => {
    const backwards = order === 'descending';
    const events: FoundEvent[] = [];
    let next = after === undefined ? undefined : backwards ? after.sort - 1 : after.sort + 1;
    for (let read = 0; read < MOST_READ && (next ?? 0) >= 0;) {
      const portion = Math.min(READ_AT_ONCE, Math.max(limit + 1, read));
      const some = await store.readStream(stream, {
        ...(next !== undefined && { from: next }),
        limit: portion,
        ...(backwards && { backwards }),
      });
      for (const event of some)
        if (isAsked(filter, event)) {
          const last = events.at(-1);
          if (events.length === limit && last) return { events, rest: last.end };
          events.push({ event, end: { sort: event.revision, id: IN_STREAM } });
        }
      const last = some.at(-1);
      if (some.length < portion || !last) return { events, rest: undefined };
      read += some.length;
      next = backwards ? last.revision - 1 : last.revision + 1;
      if (read >= MOST_READ) return { events, rest: { sort: last.revision, id: IN_STREAM } };
    }
    return { events, rest: undefined };
  };
}

/** Whether a place is one of a walk through a stream. */
export const isInStream = ({ sort, id }: PageEnd): boolean =>
  id === IN_STREAM && Number.isSafeInteger(sort) && sort >= 0;
