import { asError } from '../errors.ts';
// Wakes all who wait at the log's end on this thread. The append thread says when this process has written; for other
// processes the head is looked at now and then, once for all who wait.

export interface LogWatch {
  /** The log has grown to here. */
  advance(head: bigint): void;
  /** From now on nobody can wait: what waits rejects. */
  end(error: Error): void;
  /** A place at the log's end, until `leave`. */
  join(signal: AbortSignal): LogWatcher;
}

export interface LogWatcher {
  /** Resolves when the log has an event after this position, or the signal aborts; rejects when the watch ends. */
  newer(after: bigint): Promise<void>;
  leave(): void;
}

export function createLogWatch(readHead: () => bigint, lookEveryMs = 250): LogWatch {
  const wakes = new Set<() => void>();
  let joined = 0;
  let head = -1n;
  let ended: Error | undefined;
  let timer: NodeJS.Timeout | undefined;

  function wakeAll(): void {
    for (const wake of wakes) wake();
  }

  function advance(to: bigint): void {
    if (to <= head) return;
    head = to;
    wakeAll();
  }

  function look(): void {
    try {
      advance(readHead());
    } catch (error) {
      end(asError(error));
    }
  }

  function end(error: Error): void {
    ended ??= error;
    clearInterval(timer);
    wakeAll();
  }

  function join(signal: AbortSignal): LogWatcher {
    let pending: { after: bigint; settled: PromiseWithResolvers<void> } | undefined;
    const check = () => {
      if (!pending) return;
      const { after, settled } = pending;
      if (!signal.aborted && !ended && head <= after) return;
      pending = undefined;
      if (ended && !signal.aborted) settled.reject(ended);
      else settled.resolve();
    };
    wakes.add(check);
    signal.addEventListener('abort', check, { once: true });
    joined += 1;
    if (joined === 1 && !ended) timer = setInterval(look, lookEveryMs);
    return {
      newer(after) {
        const settled = Promise.withResolvers<void>();
        pending = { after, settled };
        check();
        return settled.promise;
      },
      leave() {
        wakes.delete(check);
        signal.removeEventListener('abort', check);
        joined -= 1;
        if (joined === 0) clearInterval(timer);
      },
    };
  }

  return { advance, end, join };
}
