// Trying again, in the open: what is retried, for how long and how often. An error says of itself whether it is retriable.

import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';

export interface RetryOptions {
  /** Ends the trying: the last error is thrown. */
  readonly signal: AbortSignal;
  /** Tries after the first; default without end. */
  readonly maxRetries?: number;
  readonly onRetry?: (error: unknown, attempt: number) => void;
}

const INITIAL_DELAY_MS = 20;
const MAX_DELAY_MS = 5_000;

const isRetriable = (error: unknown) =>
  error instanceof Error && 'retriable' in error && (error as { retriable?: unknown }).retriable === true;

/** Runs until it succeeds or throws what is not retriable, with exponential back-off and jitter. */
export async function retryWhileRetriable<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const policy = retry(handleWhen(isRetriable), {
    maxAttempts: options.maxRetries ?? Number.MAX_SAFE_INTEGER,
    backoff: new ExponentialBackoff({ initialDelay: INITIAL_DELAY_MS, maxDelay: MAX_DELAY_MS }),
  });
  let attempt = 0;
  policy.onFailure(({ reason }) => {
    attempt++;
    if ('error' in reason && isRetriable(reason.error)) options.onRetry?.(reason.error, attempt);
  });
  return policy.execute(work, options.signal);
}
