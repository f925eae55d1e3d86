// Keeps something running, be it a service, a thread or a child process: what fails is stopped and started anew, after a wait
// that grows with each failure in a row.

import { asError } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { backOff, pause } from '../patience/back-off.ts';

export interface Supervisable {
  /** Resolves with the reason when it can no longer do its work; never after `stop` was called. */
  readonly failed: Promise<Error>;
  /** Rejects where it can neither end within the grace nor be cut off: then it must not be started beside itself. */
  stop(graceMs: number): Promise<void>;
}

export interface SuperviseOptions {
  /** In the log. */
  readonly name: string;
  readonly log: Log;
  readonly firstWaitMs?: number;
  readonly longestWaitMs?: number;
  /** What ran this long has recovered: the next wait is the first again. */
  readonly steadyMs?: number;
  /** How long what failed may take to stop before it is started anew. */
  readonly stopGraceMs?: number;
  /** After more failures in a row it is not started anew; without end if left out. */
  readonly mostFailures?: number;
}

export interface Supervised<Running> {
  /** undefined while it is not running; a readiness probe. */
  running(): Running | undefined;
  /** Resolves with the last reason once it is not started anew any more. */
  readonly failed: Promise<Error>;
  stop(graceMs: number): Promise<void>;
}

/** The first start must succeed: its error is thrown. `signal` ends a start that is no longer wanted. */
export async function supervise<Running extends Supervisable>(
  start: (signal: AbortSignal) => Promise<Running>,
  options: SuperviseOptions,
): Promise<Supervised<Running>> {
  const { name, log, firstWaitMs = 250, longestWaitMs = 30_000, mostFailures = Infinity } = options;
  const { steadyMs = 60_000, stopGraceMs = 1_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const stopped = Promise.withResolvers<undefined>();
  const gaveUp = Promise.withResolvers<Error>();
  let running: Running | undefined = await start(signal);
  const kept = keep(running).catch((error: unknown) => gaveUp.resolve(asError(error)));

  async function keep(first: Running): Promise<void> {
    let failures = 0;
    const failed = (err: Error, message: string) => {
      failures += 1;
      log.error({ service: name, err, failures }, message);
      if (failures > mostFailures) throw err;
    };
    for (let current: Running | undefined = first; ;) {
      if (current) {
        const startedAt = performance.now();
        const error = await Promise.race([current.failed, stopped.promise]);
        if (!error) return;
        running = undefined;
        if (performance.now() - startedAt >= steadyMs) failures = 0;
        await current.stop(stopGraceMs);
        failed(error, 'It failed and is started anew.');
      }
      await pause(backOff(failures, firstWaitMs, longestWaitMs), signal);
      if (signal.aborted) return;
      try {
        current = running = await start(signal);
      } catch (error) {
        if (signal.aborted) return;
        current = undefined;
        failed(asError(error), 'It could not be started anew.');
      }
    }
  }

  return {
    running: () => running,
    failed: gaveUp.promise,
    async stop(graceMs) {
      stopping.abort(new Error(`${name} is stopped`));
      stopped.resolve(undefined);
      await kept;
      await running?.stop(graceMs);
      running = undefined;
    },
  };
}
