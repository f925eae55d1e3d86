/** What may be shown after one more character, and whether a stop sequence has just been completed. */
export interface Filtered {
  readonly text: string;
  readonly stopped: boolean;
}

export interface StopFilter {
  push(character: string): Filtered;
  /** What was held back, when the text ends before a stop sequence is complete. */
  flush(): string;
}

/** Holds back text that may be the beginning of a stop sequence, so that no part of one is ever shown. */
export function createStopFilter(stops: readonly string[]): StopFilter {
  const sequences = stops.filter((stop) => stop !== '');
  let held = '';
  return {
    push(character) {
      const text = held + character;
      // The longest that matches begins first; what was shown before it is not part of any.
      const complete = Math.max(0, ...sequences.map((stop) => (text.endsWith(stop) ? stop.length : 0)));
      if (complete > 0) {
        held = '';
        return { text: text.slice(0, text.length - complete), stopped: true };
      }
      const partial = Math.max(0, ...sequences.map((stop) => longestBeginning(stop, text)));
      held = text.slice(text.length - partial);
      return { text: text.slice(0, text.length - partial), stopped: false };
    },
    flush() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

/** Length of the longest end of `text` that is a beginning of `stop`. */
function longestBeginning(stop: string, text: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
