// A model in a worker thread of its own, as seen from outside: starts the thread, matches answers to runs, and turns
// the thread's death, by error, by its memory limit or by being stuck, into the rejection of everything it was running.

import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { Log } from '../logging/log.ts';
import { type LoadedModel, ModelLoadError, type RunItem, type RunOptions, type RunResult } from './model-runtime.ts';
import { openPendingRun, type PendingRun } from './pending-run.ts';
import type { FromThread, ThreadStart, ToThread } from './tensorflow-messages.ts';

export interface ModelThreadSettings {
  readonly start: ThreadStart;
  /** JavaScript memory only: V8 does not count array buffers and wasm memory towards these. */
  readonly resourceLimits: ResourceLimits;
  /** A thread not ready by then is ended, in milliseconds. */
  readonly loadTimeoutMs: number;
  /** A thread that says nothing for so long after an item of its was dropped is stuck and ended, in milliseconds. */
  readonly stuckAfterMs: number;
  /** Aborting it ends a load under way. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Throws `ModelLoadError` with the thread's own words when the model cannot be loaded; no thread is left then. */
export async function openModelThread(key: string, settings: ModelThreadSettings): Promise<LoadedModel> {
  const { start, log } = settings;
  const startedAt = performance.now();
  const worker = new Worker(new URL('./tensorflow-thread.ts', import.meta.url), {
    name: `model ${key}`,
    workerData: start,
    resourceLimits: settings.resourceLimits,
  });
  const runs = new Map<number, PendingRun>();
  const loaded = Promise.withResolvers<{ bytes: number; engine: string }>();
  const broken = Promise.withResolvers<Error>();
  let dead: Error | undefined;
  let closing = false;
  let lastRun = 0;
  let stuckTimer: NodeJS.Timeout | undefined;

  worker.on('message', receive);
  // An error of the thread is followed by its exit; the first of them tells why.
  worker.on('error', (error) => die(new Error(`the model's thread died: ${describe(error)}`, { cause: error })));
  worker.on('messageerror', (error) =>
    die(new Error('a message of the model thread cannot be read', { cause: error })),
  );
  worker.on('exit', (code) => die(new Error(`the model's thread ended with code ${code}`)));

  function receive(message: FromThread): void {
    clearTimeout(stuckTimer);
    switch (message.type) {
      case 'ready':
        return loaded.resolve(message);
      case 'failed':
        return loaded.reject(new ModelLoadError(`${start.folder}: ${message.message}`));
      case 'progress':
        for (const { run, place, text } of message.pieces) runs.get(run)?.piece(place, text);
        for (const { run, place, result } of message.results) runs.get(run)?.settle(place, result);
        return;
      case 'results': {
        const results = JSON.parse(message.json) as RunResult[];
        for (const [place, result] of results.entries()) runs.get(message.run)?.settle(place, result);
        return;
      }
      case 'fault':
        return log.warn({ model: key, error: message.error, at: message.at }, "A model's handler threw.");
      case 'alive':
    }
  }

  function die(error: Error): void {
    if (dead) return;
    dead = error;
    clearTimeout(stuckTimer);
    void worker.terminate();
    loaded.reject(new ModelLoadError(`${start.folder}: ${error.message}`, true, { cause: error }));
    for (const run of runs.values()) run.fail(error);
    if (!closing) {
      log.error({ model: key, err: error }, "A model's thread broke.");
      broken.resolve(error);
    }
  }

  function send(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(message);
  }

  function drop(run: number, places: readonly number[], why: 'cancelled' | 'timeout'): void {
    if (dead) return;
    send({ type: 'drop', run, places });
    if (why === 'cancelled') return;
    clearTimeout(stuckTimer);
    stuckTimer = setTimeout(() => die(new Error("the model's thread is stuck")), settings.stuckAfterMs);
  }

  async function run(items: readonly RunItem[], options: RunOptions): Promise<RunResult[]> {
    if (dead) throw dead;
    if (items.length === 0) return [];
    const number = (lastRun += 1);
    const pending = openPendingRun(items, options, (places, why) => drop(number, places, why));
    runs.set(number, pending);
    try {
      const { parameters, deadlineMs } = options;
      const deadline = Date.now() + deadlineMs;
      const inputs = items.map((item) => item.input);
      send({ type: 'run', run: number, inputs, parameters, stream: options.onToken !== undefined, deadline });
      return await pending.done;
    } finally {
      runs.delete(number);
    }
  }

  async function close(): Promise<void> {
    closing = true;
    die(new Error('the model was closed'));
    await worker.terminate();
  }

  const { loadTimeoutMs, signal } = settings;
  const loadTimer = setTimeout(() => die(new Error(`not ready within ${loadTimeoutMs} ms`)), loadTimeoutMs);
  const abort = (): void => void close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { bytes, engine } = await loaded.promise;
    const loadMs = Math.round(performance.now() - startedAt);
    log.info({ model: key, engine, bytes, loadMs }, 'A model was loaded.');
    return { bytes, broken: broken.promise, run, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    clearTimeout(loadTimer);
    signal.removeEventListener('abort', abort);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'an error that is not an Error';
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error.message : `${error.message} (${code})`;
}
