/** A trouble that lasts is said again after so many milliseconds. */
const SAY_AGAIN_MS = 5_000;

export interface Seldom<Said extends unknown[]> {
  (...said: Said): void;
  /** The trouble is over: the next is said at once. True when there was one that was said. */
  over(): boolean;
}

/** Says what it is called with, but not again within `everyMs`: a server that is away fails every call. */
export function saySeldom<Said extends unknown[]>(say: (...said: Said) => void, everyMs = SAY_AGAIN_MS): Seldom<Said> {
  let saidAt = -Infinity;
  const seldom = (...said: Said) => {
    const now = performance.now();
    if (now - saidAt < everyMs) return;
    saidAt = now;
    say(...said);
  };
  return Object.assign(seldom, {
    over() {
      const wasSaid = saidAt > -Infinity;
      saidAt = -Infinity;
      return wasSaid;
    },
  });
}
