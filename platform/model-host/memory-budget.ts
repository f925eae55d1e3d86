// Hands out memory under a limit, first come first served, by asking for idle holders to be closed when there is none.

export interface MemoryBudget {
  /**
   * Calls `hold` in the same moment in which `bytes` more fit, and resolves true; resolves false when they did not within
   * `waitMs`, or after `close`.
   */
  take(bytes: number, waitMs: number, hold: () => void): Promise<boolean>;
  /** Says that something was freed, or may be evicted now. */
  roomFreed(): void;
  close(): void;
}

export interface MemoryBudgetOptions {
  readonly limitBytes: number;
  /** What is held now, in bytes. */
  readonly held: () => number;
  /** Starts freeing one idle holder; undefined when there is none. */
  readonly evictOne: () => Promise<void> | undefined;
}

interface Waiter {
  readonly bytes: number;
  readonly answer: (got: boolean) => void;
}

export function createMemoryBudget({ limitBytes, held, evictOne }: MemoryBudgetOptions): MemoryBudget {
  const waiters: Waiter[] = [];
  let evicting = false;
  let closed = false;

  /** Serves waiters in order; the first that does not fit holds back the others, so that it is not starved. */
  function serve(): void {
    if (evicting) return;
    for (let first = waiters[0]; first; first = waiters[0]) {
      if (held() + first.bytes > limitBytes) {
        const eviction = evictOne();
        if (!eviction) return;
        evicting = true;
        void eviction.finally(() => {
          evicting = false;
          serve();
        });
        return;
      }
      first.answer(true);
    }
  }

  return {
    take(bytes, waitMs, hold) {
      if (closed) return Promise.resolve(false);
      if (bytes <= 0) {
        hold();
        serve();
        return Promise.resolve(true);
      }
      return new Promise((resolve) => {
        const waiter: Waiter = {
          bytes,
          answer(got) {
            clearTimeout(timer);
            waiters.splice(waiters.indexOf(waiter), 1);
            if (got) hold();
            resolve(got);
          },
        };
        const timer = setTimeout(() => {
          waiter.answer(false);
          serve();
        }, waitMs);
        waiters.push(waiter);
        serve();
      });
    },

    roomFreed: serve,

    close() {
      closed = true;
      for (let first = waiters[0]; first; first = waiters[0]) first.answer(false);
    },
  };
}
