export interface Bell {
  ring(): void;
  /** Resolves once the bell has rung since the last wait. For one waiter. */
  wait(): Promise<void>;
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
    async wait() {
      if (!rung) await new Promise<void>((resolve) => (wake = resolve));
      rung = false;
      wake = undefined;
    },
  };
}
