// Standings in memory, for the one process in which every command that changes a standing is handled: it holds at once,
// because the command itself renews what is remembered before it answers. What another process changes beside it (a verb
// on the command line) is seen when the entry's time is over.

import { LRUCache } from 'lru-cache';
import type { Standings } from './standings.ts';

const MOST_STREAMS = 20_000;
const MAX_AGE_MS = 1_000;

interface Remembered<Standing> {
  /** Absence is remembered too. */
  readonly standing: Standing | undefined;
}

export function createRememberedStandings<Standing>(inner: Standings<Standing>): Standings<Standing> {
  const known = new LRUCache<string, Remembered<Standing>>({ max: MOST_STREAMS, ttl: MAX_AGE_MS, ttlResolution: 50 });
  /** Goes up with each change, so that a read that began before it is not remembered after it. */
  let changes = 0;

  const readMissing = async (streams: readonly string[]) => {
    const before = changes;
    const standings = await inner.get(streams);
    if (changes === before) streams.forEach((stream, i) => known.set(stream, { standing: standings[i] }));
    return standings;
  };

  return {
    async get(streams) {
      const found = streams.map((stream) => known.get(stream));
      const missing = streams.filter((_, i) => found[i] === undefined);
      if (missing.length === 0) return found.map((one) => one?.standing);
      const read = await readMissing(missing);
      let next = 0;
      return found.map((one) => (one === undefined ? read[next++] : one.standing));
    },
    async refresh(stream) {
      const mine = ++changes;
      known.delete(stream);
      try {
        const refreshed = await inner.refresh(stream);
        // Another change meanwhile may have been of this stream, and newer than what was read here.
        if (changes === mine) known.set(stream, { standing: refreshed?.standing });
        else known.delete(stream);
        return refreshed;
      } finally {
        changes++;
      }
    },
  };
}
