// The number of each run of a request, so that one which brings its process down every time is found out and ended instead
// of run for ever.

import type { Log } from '#platform/logging/log.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';

export interface Attempts {
  /** Whether every run is recorded before it begins, or only those of requests that may have run before. */
  readonly recordsAll: boolean;
  /** The number of the last run that is known to have begun and not to have ended; 0 for none. */
  last(inferenceId: string): Promise<LastRun>;
  /** Records, durably, that the run of this number is the last that began. */
  record(inferenceId: string, attempt: number): Promise<void>;
  /** In its own time; a row left behind does no harm. */
  forget(inferenceId: string): void;
  close(): Promise<void>;
}

export type LastRun =
  | { readonly attempt: number }
  /** Another worker that lives is at it; resolves when it no longer is. The request may have ended then. */
  | { readonly later: Promise<number> };

export const runKey = (inferenceId: string) => `attempts:inference:${inferenceId}`;

/**
 * For the one worker of an installation: only requests that its own earlier process may have been running when it died are
 * asked about, and any of them may have been.
 */
export const createOwnAttempts = (readStore: Pick<ReadStore, 'get' | 'put' | 'remove'>, log: Log): Attempts => ({
  recordsAll: false,
  async last(inferenceId) {
    const [document] = await readStore.get([runKey(inferenceId)]);
    return { attempt: typeof document?.value === 'number' ? document.value : 1 };
  },
  record: (inferenceId, attempt) => readStore.put(runKey(inferenceId), attempt),
  forget: (inferenceId) =>
    void readStore.remove(runKey(inferenceId)).catch((err: unknown) => {
      log.warn({ err, inferenceId }, 'could not forget the attempts of a request that has ended');
    }),
  close: () => Promise.resolve(),
});
