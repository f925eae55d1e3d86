// How many requests of each model are ended in a second, as long as it has any: what waits for it divided by this is how
// long it waits (command-api/admission.ts).

/** An interval weighs a third of what it did after so long, so that a short stall changes little. */
const MEMORY_MS = 5_000;
/** A model without work for so long begins anew. */
const FORGET_MS = 600_000;

interface Pace {
  /** Both fade alike: their quotient is a mean in which the newest counts most. */
  ended: number;
  milliseconds: number;
  endedNow: number;
  idleMs: number;
}

export interface ModelRates {
  ended(modelKey: string): void;
  /**
   * Requests a second of each model that is known, at the end of an interval during which `busy` had work. Undefined for
   * one that has yet to end its first.
   */
  measure(busy: (modelKey: string) => boolean): (modelKey: string) => number | undefined;
}

/** `now` in milliseconds. */
export function createModelRates(now: () => number = () => performance.now()): ModelRates {
  const paces = new Map<string, Pace>();
  let before = now();
  return {
    ended(modelKey) {
      const pace = paces.get(modelKey);
      if (pace) pace.endedNow++;
      else paces.set(modelKey, { ended: 0, milliseconds: 0, endedNow: 1, idleMs: 0 });
    },
    measure(busy) {
      const interval = now() - before;
      before += interval;
      const fade = Math.exp(-interval / MEMORY_MS);
      for (const [modelKey, pace] of paces) {
        if (pace.endedNow > 0 || busy(modelKey)) {
          pace.ended = pace.ended * fade + pace.endedNow;
          pace.milliseconds = pace.milliseconds * fade + interval;
          pace.endedNow = 0;
          pace.idleMs = 0;
        } else if ((pace.idleMs += interval) > FORGET_MS) paces.delete(modelKey);
      }
      return (modelKey) => {
        const pace = paces.get(modelKey);
        return pace && pace.milliseconds > 0 ? (pace.ended * 1_000) / pace.milliseconds : undefined;
      };
    },
  };
}
