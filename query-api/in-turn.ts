// Much work on one thread that others need too: all that is done here takes only about a millisecond of each round of the
// loop, however many ask for it at once.

/** As many are worked on at once as a log on a server answers well. */
const AT_ONCE = 32;
/**
 * Of each round of the loop. One who is not in turn waits for this much at most: with 4, plain lists beside four callers of
 * a history took twice as long as with 1, and the history itself no less.
 */
const ROUND_MS = 1;

let began = 0;
let pausing: Promise<void> | undefined;

/** Until the next round of the loop, where this one has had its share; for what is awaited in a loop of its own. */
export function ownShare(): Promise<void> | undefined {
  if (pausing === undefined && performance.now() - began > ROUND_MS)
    pausing = new Promise((resolve) => {
      setImmediate(() => {
        began = performance.now();
        pausing = undefined;
        resolve();
      });
    });
  return pausing;
}

/** What the work makes of each, in their order; what is there at once is not waited for. */
export async function inTurn<T, Made>(all: readonly T[], work: (one: T) => Made | Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  let next = 0;
  async function worker(): Promise<void> {
    while (next < all.length) {
      const pause = ownShare();
      if (pause !== undefined) {
        await pause;
        continue;
      }
      const at = next++;
      const one = work(all[at] as T);
      made[at] = one instanceof Promise ? await one : one;
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, worker));
  return made;
}
