import { setTimeout as timer } from 'node:timers/promises';

/** The longest time that a timer of Node keeps, in milliseconds (24 days): a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** So many milliseconds as a timer of Node takes them. */
export const timerMs = (ms: number): number => Math.max(0, Math.min(ms, LONGEST_TIMER_MS));

/** Milliseconds to wait before attempt `attempt` (1 is the first retry): doubles from `first`, at most `most`. */
export const backOff = (attempt: number, first = 50, most = 5_000): number =>
  Math.min(most, first * 2 ** Math.min(attempt - 1, 30));

/** As long on average, between half and one and a half times, so that many who wait do not come back together. */
export const spread = (ms: number): number => ms * (0.5 + Math.random());

/** Waits so many milliseconds; ends early, without an error, when the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  try {
    await timer(ms, undefined, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
