// The newest events of the log, decoded, so that several readers at its end read and parse each of them once.
// A run without gaps: everything after `start` up to `end`.

import type { RecordedEvent } from '#events/envelope.ts';

export interface RecentEvents {
  /** True if all events after this position, up to the run's end, are here. */
  covers(after: bigint): boolean;
  /** What follows must have been read from exactly here. */
  readonly end: bigint;
  from(after: bigint, limit: number): readonly RecordedEvent[];
  push(events: readonly RecordedEvent[], sizes: readonly number[]): void;
  /** Lets go of what all readers are past: what outlives its reading costs the garbage collector most. */
  passed(position: bigint): void;
  /** Forgets all and goes on from here. */
  restart(at: bigint): void;
}

/** Passed events that are dropped at once. */
const batchLength = 256;

/** `sizes` are the lengths of the events' texts; the oldest leave when there are too many events or too much text. */
export function createRecentEvents(mostEvents = 4_096, mostText = 16 * 1_048_576): RecentEvents {
  let events: RecordedEvent[] = [];
  let sizes: number[] = [];
  let text = 0;
  let start = -1n;
  let end = -1n;

  /** In batches: moving an array's head costs its length. */
  function dropOldest(): void {
    if (events.length <= mostEvents && text <= mostText) return;
    let count = 0;
    let left = text;
    while (events.length - count > mostEvents / 2 || left > mostText / 2) left -= sizes[count++] ?? 0;
    drop(count);
  }

  function drop(count: number): void {
    for (const size of sizes.slice(0, count)) text -= size;
    start = events[count - 1]?.position ?? start;
    events = events.slice(count);
    sizes = sizes.slice(count);
  }

  /** The place of the first event after this position. */
  function placeAfter(after: bigint): number {
    let low = 0;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((events[middle]?.position ?? end) > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  return {
    covers: (after) => start !== -1n && after >= start && after <= end,
    get end() {
      return end;
    },
    from(after, limit) {
      if (after >= end) return [];
      const place = placeAfter(after);
      return events.slice(place, place + limit);
    },
    push(newer, newerSizes) {
      const last = newer.at(-1);
      if (!last) return;
      for (const event of newer) events.push(event);
      for (const size of newerSizes) {
        sizes.push(size);
        text += size;
      }
      end = last.position;
      dropOldest();
    },
    passed(position) {
      const count = placeAfter(position);
      if (count === events.length || count >= batchLength) drop(count);
    },
    restart(at) {
      events = [];
      sizes = [];
      text = 0;
      start = at;
      end = at;
    },
  };
}
