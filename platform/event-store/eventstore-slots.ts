// So many at once, the others in a line. A server takes only so many calls on one connection, and subscriptions need theirs.

import { asError, NamedError } from '../errors.ts';

export interface Slots {
  /** Resolves to what frees the place again. Rejects with `NoSlot` when none came in time, or the signal aborted first. */
  enter(withinMs: number, signal?: AbortSignal): Promise<() => void>;
}

/** The line was too long: nothing was begun. */
export class NoSlot extends NamedError {}

/** At most `mostWaiting` in line; who comes after is refused at once. */
export function createSlots(many: number, mostWaiting: number): Slots {
  const line: (() => void)[] = [];
  let taken = 0;

  function leave(): void {
    const next = line.shift();
    if (next) next();
    else taken -= 1;
  }

  const once = () => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      leave();
    };
  };

  return {
    async enter(withinMs, signal) {
      signal?.throwIfAborted();
      if (taken < many) {
        taken += 1;
        return once();
      }
      if (line.length >= mostWaiting) throw new NoSlot(`${line.length} are waiting already`);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = () => {
        const at = line.indexOf(resolve);
        if (at === -1) return;
        line.splice(at, 1);
        reject(signal?.aborted ? asError(signal.reason) : new NoSlot(`no slot within ${Math.round(withinMs)} ms`));
      };
      line.push(resolve);
      const timer = setTimeout(giveUp, withinMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      try {
        await promise;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      }
      return once();
    },
  };
}
