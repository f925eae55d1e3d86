import { isFinal, NamedError } from '../errors.ts';
import { backOff, pause } from './back-off.ts';

/** Who aborted what was waited for expects it; `cause` is the last failure, if there was one. */
export class Interrupted extends NamedError {}

export interface Persistence {
  /** Whether trying again is useless: then the error is thrown as it is. Default `isFinal`. */
  readonly isHopeless?: (err: unknown) => boolean;
  /** Milliseconds before another try, after so many failures. Default `backOff`. */
  readonly waitMs?: (failures: number, err: unknown) => number;
  /** By `performance.now()`: a wait that would pass it is not begun, and the last error thrown. */
  readonly until?: number;
  /** So many tries at most, then the last error is thrown. */
  readonly attempts?: number;
}

/**
 * Tries until it succeeds, however long that takes unless `persistence` bounds it, waiting longer each time. Rejects with
 * `Interrupted` when the signal aborts while it waits, and with the error itself when another try is useless or too late.
 */
export async function persist<T>(
  work: (attempt: number) => Promise<T>,
  signal: AbortSignal | undefined,
  onFailure: (err: unknown, attempt: number) => void,
  {
    isHopeless = isFinal,
    waitMs = (failures) => backOff(failures),
    until = Infinity,
    attempts = Infinity,
  }: Persistence = {},
): Promise<T> {
  let cause: unknown;
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted) throw new Interrupted('stopped while it was being tried again', { cause });
    try {
      return await work(attempt);
    } catch (err) {
      if (err instanceof Interrupted || isHopeless(err)) throw err;
      onFailure(err, attempt);
      const wait = waitMs(attempt, err);
      if (attempt >= attempts || performance.now() + wait > until) throw err;
      cause = err;
      await pause(wait, signal);
    }
  }
}
