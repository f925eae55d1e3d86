// Requests that may have been running when the process died. Each is given its number before it runs again, durably, so
// that one which brings the process down every time is found out and ended instead of run for ever.

import type { Log } from '#platform/logging/log.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';

const keyOf = (inferenceId: string) => `attempts:inference:${inferenceId}`;

export interface Attempts {
  /** Records that a run is about to begin; answers its number, from 2, since one had begun before. */
  next(inferenceId: string): Promise<number>;
  /** In its own time; a row left behind does no harm. */
  forget(inferenceId: string): void;
}

export function createAttempts(readStore: Pick<ReadStore, 'get' | 'put' | 'remove'>, log: Log): Attempts {
  return {
    async next(inferenceId) {
      const [document] = await readStore.get([keyOf(inferenceId)]);
      const attempt = (typeof document?.value === 'number' ? document.value : 1) + 1;
      await readStore.put(keyOf(inferenceId), attempt);
      return attempt;
    },
    forget: (inferenceId) =>
      void readStore.remove(keyOf(inferenceId)).catch((err: unknown) => {
        log.warn({ err, inferenceId }, 'could not forget the attempts of a request that has ended');
      }),
  };
}
