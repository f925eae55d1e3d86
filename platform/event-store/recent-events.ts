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
  /** Forgets all and goes on from here. */
  restart(at: bigint): void;
}

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
    let keepFrom = 0;
    while (events.length - keepFrom > mostEvents / 2 || text > mostText / 2) {
      text -= sizes[keepFrom] ?? 0;
      start = events[keepFrom]?.position ?? end;
      keepFrom += 1;
    }
    events = events.slice(keepFrom);
    sizes = sizes.slice(keepFrom);
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
    restart(at) {
      events = [];
      sizes = [];
      text = 0;
      start = at;
      end = at;
    },
  };
}
