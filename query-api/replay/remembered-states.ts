// States of long streams that were folded once, every few events, so that who looks at a moment a little earlier or later
// folds little. A log may be restored under a running process: who finds one asks the log whether its event is there.

import { sizeOf } from '#platform/projection/state-size.ts';
import type { StateThen } from './past-of-stream.ts';

/** Events between two that are remembered. */
const EVERY = 16;
/** Of all streams together, each state counted as if it shared nothing with its neighbours. */
const MOST_BYTES = 64 * 1_048_576;

export interface RememberedStates {
  /** The latest of those that are wanted. */
  find(stream: string, isWanted: (then: StateThen) => boolean): StateThen | undefined;
  /** Remembers it, if its turn has come. */
  note(stream: string, then: StateThen): void;
  /** All of a stream that are not of this log. */
  forget(stream: string): void;
}

interface OfStream {
  /** By revision. */
  readonly states: Map<number, StateThen>;
  bytes: number;
}

export function createRememberedStates(mostBytes = MOST_BYTES): RememberedStates {
  /** The stream that was asked for last is the last. */
  const streams = new Map<string, OfStream>();
  let bytes = 0;

  function forget(stream: string): void {
    bytes -= streams.get(stream)?.bytes ?? 0;
    streams.delete(stream);
  }

  return {
    find(stream, isWanted) {
      const known = streams.get(stream);
      if (!known) return undefined;
      streams.delete(stream);
      streams.set(stream, known);
      let found: StateThen | undefined;
      for (const then of known.states.values())
        if ((!found || then.event.revision > found.event.revision) && isWanted(then)) found = then;
      return found;
    },
    note(stream, then) {
      const { revision } = then.event;
      if (revision % EVERY !== EVERY - 1 || streams.get(stream)?.states.has(revision)) return;
      const size = sizeOf(then.state) + sizeOf(then.event);
      if (size > mostBytes) return;
      while (bytes + size > mostBytes) {
        const [oldest] = streams.keys();
        if (oldest !== undefined) forget(oldest);
      }
      const known = streams.get(stream) ?? { states: new Map<number, StateThen>(), bytes: 0 };
      known.states.set(revision, then);
      known.bytes += size;
      bytes += size;
      streams.set(stream, known);
    },
    forget,
  };
}
