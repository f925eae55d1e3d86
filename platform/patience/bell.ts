export interface Bell {
  readonly ring: () => void;
  /** Resolves once the bell has rung since the last wait, or when so many milliseconds are over. For one waiter. */
  wait(withinMs?: number): Promise<void>;
}

/** Wakes one waiting loop; a ring that comes while it is busy is kept, many count as one. */
export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(withinMs) {
      if (!rung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs);
        await promise;
        clearTimeout(timer);
      }
      rung = false;
      wake = undefined;
    },
  };
}
