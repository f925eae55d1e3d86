// States of long streams that were folded once, every few events, so that who looks at a moment a little earlier or later
// folds little. The log does not change, so what is remembered holds for as long as the process lives.

import type { StateThen } from './past-of-stream.ts';

/** Events between two that are remembered. */
const EVERY = 16;
/** Of all streams together; neighbours share what has not changed between them. */
const MOST = 10_000;

export interface RememberedStates {
  /** The latest of those that are wanted. */
  find(stream: string, isWanted: (then: StateThen) => boolean): StateThen | undefined;
  /** Remembers it, if its turn has come. */
  note(stream: string, then: StateThen): void;
}

export function createRememberedStates(): RememberedStates {
  /** By revision; the stream that was used last is the last. */
  const streams = new Map<string, Map<number, StateThen>>();
  let count = 0;

  function forgetOldest(): void {
    const [oldest] = streams;
    if (!oldest) return;
    streams.delete(oldest[0]);
    count -= oldest[1].size;
  }

  return {
    find(stream, isWanted) {
      const states = streams.get(stream);
      if (!states) return undefined;
      streams.delete(stream);
      streams.set(stream, states);
      let found: StateThen | undefined;
      for (const then of states.values())
        if ((!found || then.event.revision > found.event.revision) && isWanted(then)) found = then;
      return found;
    },
    note(stream, then) {
      const { revision } = then.event;
      if (revision % EVERY !== EVERY - 1) return;
      const states = streams.get(stream) ?? new Map<number, StateThen>();
      if (states.has(revision)) return;
      states.set(revision, then);
      streams.set(stream, states);
      if (++count > MOST) forgetOldest();
    },
  };
}
