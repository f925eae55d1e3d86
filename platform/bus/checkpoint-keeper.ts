// Writes a group's positions down lazily: soon after an acknowledgement, seldom when only others' events went by.

import type { Log } from '../logging/log.ts';

const AFTER_ACKNOWLEDGED_MS = 200;
const AFTER_PASSED_MS = 5_000;

export interface CheckpointKeeper {
  acknowledged(): void;
  passed(): void;
  /** Writes what there is now and writes no more. A failure is logged: at worst some events come again. */
  close(): Promise<void>;
}

export function startCheckpointKeeper(save: () => Promise<void>, log: Log, group: string): CheckpointKeeper {
  let timer: NodeJS.Timeout | undefined;
  let due = Infinity;
  let saving: Promise<void> = Promise.resolve();
  let closed = false;

  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    due = Infinity;
    saving = saving.then(save).catch((err: unknown) => {
      log.warn({ err, group }, 'the positions of a consumer group could not be written');
      if (!closed) schedule(AFTER_PASSED_MS);
    });
    return saving;
  };

  function schedule(within: number) {
    const at = Date.now() + within;
    if (closed || at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => void write(), within);
    timer.unref();
  }

  return {
    acknowledged: () => schedule(AFTER_ACKNOWLEDGED_MS),
    passed: () => schedule(AFTER_PASSED_MS),
    close() {
      closed = true;
      return write();
    },
  };
}
