// Writing to thousands of streams must not keep the thread from its other requests: writes wait for their turn, and after
// each round of them all rest for several times as long as it took. So streams together take at most a fifth of the thread,
// however many there are and whatever comes for them; what comes meanwhile for a stream goes out in its next write.

import { asError } from '../errors.ts';
import { createFifo } from '../fifo.ts';

/** Milliseconds. */
const ROUND_MS = 4;
const MOST_IN_ROUND = 64;
const REST = 4;

export interface StreamPace {
  /** What the work answers, or throws, when its turn has come. */
  run<Result>(work: () => Result): Promise<Result>;
}

export function createStreamPace(now: () => number = () => performance.now()): StreamPace {
  const waiting = createFifo<() => void>();
  let isResting = false;

  function round(): void {
    if (waiting.size === 0) {
      isResting = false;
      return;
    }
    const startedAt = now();
    for (let done = 0; done < MOST_IN_ROUND && now() - startedAt < ROUND_MS; done++) {
      const work = waiting.first;
      if (work === undefined) break;
      waiting.drop();
      work();
    }
    // Behind what the writes themselves put off until then, so that it is counted too.
    process.nextTick(() => setTimeout(round, (now() - startedAt) * REST));
  }

  return {
    run<Result>(work: () => Result) {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      waiting.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(asError(error));
        }
      });
      if (!isResting) {
        isResting = true;
        setImmediate(round);
      }
      return promise;
    },
  };
}
