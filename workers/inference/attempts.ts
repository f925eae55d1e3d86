// Requests that may have been running when the process died. Each is given its number when it runs again, durably and
// before it does, so that one which brings the process down every time is found out and ended instead of run for ever.

import type { Log } from '#platform/logging/log.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';

const keyOf = (inferenceId: string) => `attempts:inference:${inferenceId}`;

export interface Attempts {
  /** The number of the last run that is known to have begun: at least 1 for a request that may have been running. */
  last(inferenceId: string): Promise<number>;
  /** Records, durably, that the run of this number is the last that began. */
  record(inferenceId: string, attempt: number): Promise<void>;
  /** In its own time; a row left behind does no harm. */
  forget(inferenceId: string): void;
}

export function createAttempts(readStore: Pick<ReadStore, 'get' | 'put' | 'remove'>, log: Log): Attempts {
  return {
    async last(inferenceId) {
      const [document] = await readStore.get([keyOf(inferenceId)]);
      return typeof document?.value === 'number' ? document.value : 1;
    },
    record: (inferenceId, attempt) => readStore.put(keyOf(inferenceId), attempt),
    forget: (inferenceId) =>
      void readStore.remove(keyOf(inferenceId)).catch((err: unknown) => {
        log.warn({ err, inferenceId }, 'could not forget the attempts of a request that has ended');
      }),
  };
}
