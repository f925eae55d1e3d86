// Lines on their way to one output: in batches, one write at a time, in bounded memory. Adding never waits. When the
// output cannot keep up, new lines are dropped and counted, and the first line after the gap says how many.

import { atMost } from '../patience/within.ts';

/** Where lines go. `done` is called once per write, with an error when the chunk is lost. */
export interface LineOutput {
  write(chunk: string, done: (error?: Error | null) => void): void;
  /** Writes at once, as far as it can; only for the process's last breath. */
  writeSync(chunk: string): void;
  close?(): Promise<void>;
}

export interface LineQueueOptions {
  /** The line that says how many are missing. */
  readonly lostLine: (lost: number) => string;
  /** How long a line that is not urgent may wait for others. */
  readonly delayMs?: number;
  readonly maxBatchChars?: number;
  readonly maxWaitingChars?: number;
}

export interface LineQueue {
  /** `line` without its line break. An urgent one is written as soon as the output is free. */
  add(line: string, urgent: boolean): void;
  /** Resolves when all lines so far are written or lost, at most `withinMs` later. */
  flush(withinMs: number): Promise<void>;
  /** Writes what waits here and now. */
  flushSync(): void;
  /** How many lines were lost since the start. */
  lost(): number;
}

export function createLineQueue(output: LineOutput, options: LineQueueOptions): LineQueue {
  const { lostLine, delayMs = 50, maxBatchChars = 65_536, maxWaitingChars = 4_194_304 } = options;
  let waiting: string[] = [];
  let waitingChars = 0;
  let writing = false;
  let timer: NodeJS.Timeout | undefined;
  let soon = false;
  let lostTotal = 0;
  let lostUnsaid = 0;
  let idle: (() => void)[] = [];

  function lose(lines: number): void {
    lostTotal += lines;
    lostUnsaid += lines;
  }

  /** As many lines as make one batch; at least one. */
  function takeBatch(): string[] {
    if (waitingChars <= maxBatchChars) {
      const all = waiting;
      waiting = [];
      waitingChars = 0;
      return all;
    }
    let chars = 0;
    let count = 0;
    while (count < waiting.length && (count === 0 || chars + waiting[count]!.length + 1 <= maxBatchChars)) {
      chars += waiting[count]!.length + 1;
      count += 1;
    }
    waitingChars -= chars;
    return waiting.splice(0, count);
  }

  function sayLost(lines: string[]): string[] {
    if (lostUnsaid === 0) return lines;
    const line = lostLine(lostUnsaid);
    lostUnsaid = 0;
    return [line, ...lines];
  }

  function pump(): void {
    clearTimeout(timer);
    timer = undefined;
    soon = false;
    if (writing) return;
    if (waiting.length === 0) {
      for (const resolve of idle.splice(0)) resolve();
      return;
    }
    const unsaid = lostUnsaid;
    const lines = takeBatch();
    const count = lines.length;
    writing = true;
    output.write(`${sayLost(lines).join('\n')}\n`, (error) => {
      writing = false;
      if (error) {
        lostUnsaid += unsaid;
        lose(count);
      }
      // What came meanwhile has waited for this write; it need not wait for more company.
      if (waiting.length > 0) setImmediate(pump);
      else pump();
    });
  }

  return {
    add(line, urgent) {
      if (waitingChars + line.length + 1 > maxWaitingChars) return lose(1);
      waiting.push(line);
      waitingChars += line.length + 1;
      if (writing) return;
      if ((urgent || waitingChars >= maxBatchChars) && !soon) {
        soon = true;
        setImmediate(pump);
      } else if (!soon) {
        timer ??= setTimeout(pump, delayMs).unref();
      }
    },
    async flush(withinMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      idle.push(resolve);
      pump();
      await atMost(withinMs, promise);
    },
    flushSync() {
      if (waiting.length === 0) return;
      const lines = waiting;
      waiting = [];
      waitingChars = 0;
      output.writeSync(`${sayLost(lines).join('\n')}\n`);
    },
    lost: () => lostTotal,
  };
}
