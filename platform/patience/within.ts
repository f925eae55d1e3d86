// What is waited for no longer than so. The work itself goes on: how it ends then concerns nobody any more.

import { timerMs } from './back-off.ts';
import { Interrupted } from './persist.ts';

/**
 * How the work ends, or a rejection when it has not ended after so many milliseconds: with what `late` makes, or an error
 * that says which work took too long. Work that is given as a function can put that off: each `progress()` begins the
 * time anew.
 */
export async function within<T>(
  ms: number,
  work: Promise<T> | ((progress: () => void) => Promise<T>),
  late: string | (() => Error),
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const tooLate = () =>
    reject(typeof late === 'function' ? late() : new Error(`${late} took longer than ${Math.round(ms)} ms`));
  const timer = setTimeout(tooLate, timerMs(ms));
  const progress = () => void timer.refresh();
  try {
    return await Promise.race([typeof work === 'function' ? work(progress) : work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the work resolves to, or undefined when it has not ended after so many milliseconds or the signal aborts first. */
export async function atMost<T>(ms: number, work: Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
  const { promise: enough, resolve } = Promise.withResolvers<undefined>();
  const end = () => resolve(undefined);
  const timer = ms === Infinity ? undefined : setTimeout(end, timerMs(ms));
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted) end();
  try {
    return await Promise.race([work, enough]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

/** How the work ends, or a rejection with `Interrupted` when the signal aborts first. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const interrupt = () => reject(new Interrupted('stopped while it was waited for'));
  signal.addEventListener('abort', interrupt, { once: true });
  if (signal.aborted) interrupt();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}
