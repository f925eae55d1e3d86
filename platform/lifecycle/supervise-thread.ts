// Keeps a service's thread running: one that fails is stopped and started anew, after a wait that grows with each
// failure in a row.

import { setTimeout as sleep } from 'node:timers/promises';
import { asError } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import type { ServiceThread } from './service-thread.ts';

export interface SuperviseOptions {
  readonly log: Log;
  readonly firstWaitMs?: number;
  readonly longestWaitMs?: number;
  /** A service that ran this long has recovered: the next wait is the first again. */
  readonly steadyMs?: number;
  /** How long a failed service may take to stop before it is started anew. */
  readonly stopGraceMs?: number;
}

export interface SupervisedThread {
  /** Whether the service is running now; a readiness probe. */
  isRunning(): boolean;
  stop(graceMs: number): Promise<void>;
}

/** `start` starts the thread, each time with new ports. The first start must succeed: its error is thrown. */
export async function superviseThread(
  start: (signal: AbortSignal) => Promise<ServiceThread>,
  options: SuperviseOptions,
): Promise<SupervisedThread> {
  const { log, firstWaitMs = 250, longestWaitMs = 30_000, steadyMs = 60_000, stopGraceMs = 1_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: ServiceThread | undefined = await start(signal);
  const { name } = running;
  const done = supervise(running);

  async function supervise(first: ServiceThread): Promise<void> {
    let failures = 0;
    for (let thread = first; ;) {
      const startedAt = performance.now();
      const error = await Promise.race([thread.failed, aborted(signal)]);
      if (error === undefined) return;
      running = undefined;
      failures = performance.now() - startedAt >= steadyMs ? 1 : failures + 1;
      log.error({ service: name, err: error, failures }, 'A service failed and is started anew.');
      await thread.stop(stopGraceMs);
      const next = await startAgain(failures);
      if (!next) return;
      running = thread = next;
    }
  }

  async function startAgain(failuresBefore: number): Promise<ServiceThread | undefined> {
    for (let failures = failuresBefore; ; failures += 1) {
      const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(failures - 1, 30));
      const cut = await sleep(waitMs, false, { signal }).catch(() => true);
      if (cut) return undefined;
      try {
        return await start(signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        log.error({ service: name, err: asError(error), failures }, 'A service could not be started anew.');
      }
    }
  }

  return {
    isRunning: () => running !== undefined,
    async stop(graceMs) {
      stopping.abort();
      await done;
      await running?.stop(graceMs);
      running = undefined;
    },
  };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
