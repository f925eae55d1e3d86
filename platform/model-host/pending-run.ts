// One run that is under way elsewhere: collects its items' results, and ends items early on their signal or at the
// deadline without waiting for whoever works on them. Whatever comes first for an item is its result.

import { itemCancelled, itemTimedOut } from './item-errors.ts';
import type { RunItem, RunOptions, RunResult } from './model-runtime.ts';
import { timerMs } from '../patience/back-off.ts';

export interface PendingRun {
  /** One result per item, in order; rejects when `fail` came before the last of them. */
  readonly done: Promise<RunResult[]>;
  settle(place: number, result: RunResult): void;
  /** Hands a piece of text to the caller, unless the item has ended. */
  piece(place: number, text: string): void;
  /** Rejects `done`: the runtime broke. */
  fail(error: Error): void;
}

/** `drop` is called with the places of items that ended early, so that no more work is done for them. */
export function openPendingRun(
  items: readonly RunItem[],
  options: RunOptions,
  drop: (places: readonly number[], why: 'cancelled' | 'timeout') => void,
): PendingRun {
  const results: (RunResult | undefined)[] = items.map(() => undefined);
  const { promise: done, resolve, reject } = Promise.withResolvers<RunResult[]>();
  const listening: (() => void)[] = [];
  let open = items.length;

  const timer = setTimeout(timeOut, timerMs(options.deadlineMs));
  for (const [place, item] of items.entries()) listen(place, options.signals?.get(item.id));
  if (open === 0) end();

  function listen(place: number, signal: AbortSignal | undefined): void {
    if (!signal) return;
    const cancel = (): void => {
      if (results[place]) return;
      settle(place, itemCancelled);
      drop([place], 'cancelled');
    };
    // Not at once even when it is aborted already: the caller of this function has not sent the run yet.
    if (signal.aborted) return queueMicrotask(cancel);
    signal.addEventListener('abort', cancel, { once: true });
    listening.push(() => signal.removeEventListener('abort', cancel));
  }

  function timeOut(): void {
    const places = [...results.keys()].filter((place) => !results[place]);
    for (const place of places) settle(place, itemTimedOut);
    drop(places, 'timeout');
  }

  function settle(place: number, result: RunResult): void {
    if (open === 0 || results[place]) return;
    results[place] = result;
    open -= 1;
    if (open === 0) end();
  }

  function end(): void {
    clearTimeout(timer);
    for (const stop of listening) stop();
    resolve(results as RunResult[]);
  }

  return {
    done,
    settle,
    piece(place, text) {
      const item = items[place];
      if (item && !results[place]) options.onToken?.(item.id, text);
    },
    fail(error) {
      reject(error);
      open = 0;
      end();
    },
  };
}
