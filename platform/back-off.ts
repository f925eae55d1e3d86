import { setTimeout as timer } from 'node:timers/promises';

/** Milliseconds to wait before attempt `attempt` (1 is the first retry): doubles from `first`, at most `most`. */
export const backOff = (attempt: number, first = 50, most = 5_000): number =>
  Math.min(most, first * 2 ** Math.min(attempt - 1, 30));

/** Waits; ends early, without an error, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await timer(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What says of itself that trying again is useless: a log newer than the program, a refusal. */
export const isFinal = (err: unknown): boolean => (err as { retriable?: unknown } | undefined)?.retriable === false;

/** What says of itself that trying again helps. */
export const isTransient = (err: unknown): boolean => (err as { retriable?: unknown } | undefined)?.retriable === true;

/** Thrown by `persist` when the signal ends it; whoever aborted expects it. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/**
 * Tries until it succeeds, however long that takes, waiting longer each time. Rejects with `Interrupted` when the signal
 * aborts, and with the error itself when `isHopeless` says so.
 */
export async function persist<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onFailure: (err: unknown, attempt: number) => void,
  isHopeless: (err: unknown) => boolean = isFinal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted) throw new Interrupted('stopped while it was being tried again');
    try {
      return await work();
    } catch (err) {
      if (isHopeless(err)) throw err;
      onFailure(err, attempt);
      await pause(backOff(attempt), signal);
    }
  }
}
