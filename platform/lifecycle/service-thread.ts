// Starts services in a worker thread, wired to this thread's logs and metrics, and watches over it.

import { MessageChannel, Worker, type ResourceLimits, type Transferable } from 'node:worker_threads';
import { asError } from '../errors.ts';
import type { Log, LogLevel } from '../logging/log.ts';
import type { Logging } from '../logging/open-logging.ts';
import type { MetricsCollection } from '../metrics/metrics-collection.ts';
import { atMost, within } from '../patience/within.ts';
import { createThreadCaller, plainError } from '../threads/thread-calls.ts';
import type { FromService, OnThread, ThreadStart, ToService } from './service-thread-messages.ts';

export interface ServiceThreadOptions<Wiring> {
  /** The thread's name in logs and metrics. */
  readonly name: string;
  /** The module that exports `startServices(wiring, tools)`, e.g. `new URL('./start.ts', import.meta.url)`. */
  readonly module: URL;
  /** Cloned into the thread; ports in it must also be in `transfer`. */
  readonly wiring: Wiring;
  readonly transfer?: readonly Transferable[];
  readonly logging: Pick<Logging, 'attach' | 'log'>;
  readonly logLevel?: LogLevel;
  readonly metrics: Pick<MetricsCollection, 'attach'>;
  readonly readyWithinMs?: number;
  /** Ends the start: the thread is terminated and the start rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly resourceLimits?: ResourceLimits;
}

export interface ServiceThread {
  readonly name: string;
  /** Resolves with the reason when a service failed or the thread ended unasked; never after `stop` was called. */
  readonly failed: Promise<Error>;
  /** As `OnThread` says it. Rejects when the thread has ended. */
  waitsFor(): Promise<ReturnType<OnThread['waitsFor']>>;
  /** Lets the services finish, for at most `graceMs`, then terminates the thread. Does not reject; may be called twice. */
  stop(graceMs: number): Promise<void>;
}

/** Resolves when all are ready; rejects with the error of one that does not get there. */
export async function startServiceThread<Wiring>(options: ServiceThreadOptions<Wiring>): Promise<ServiceThread> {
  const { name, module, wiring, transfer = [], logging, metrics, readyWithinMs = 30_000, signal } = options;
  signal?.throwIfAborted();
  const logs = new MessageChannel();
  const counts = new MessageChannel();
  const questions = new MessageChannel();
  const asked = createThreadCaller(questions.port1);
  logging.attach(logs.port1, name);
  metrics.attach(counts.port1, name);
  const start: ThreadStart = {
    name,
    module: module.href,
    wiring,
    logPort: logs.port2,
    logLevel: options.logLevel ?? 'debug',
    metricsPort: counts.port2,
    questions: questions.port2,
  };
  const worker = new Worker(new URL('./service-thread-main.ts', import.meta.url), {
    name,
    workerData: start,
    transferList: [logs.port2, counts.port2, questions.port2, ...transfer],
    ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
  });

  const ready = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<Error>();
  const exited = Promise.withResolvers<true>();
  let stopping: Promise<void> | undefined;

  function report(error: Error): void {
    ready.reject(error);
    if (stopping) logging.log.warn({ service: name, err: error }, 'A service failed while it was stopping.');
    else failed.resolve(error);
  }

  worker.on('message', (message: FromService) => {
    if (message.type === 'ready') ready.resolve();
    else if (message.type === 'failed') report(plainError(message.error));
  });
  worker.on('error', (error) => report(asError(error)));
  worker.on('exit', (code) => {
    exited.resolve(true);
    ready.reject(new Error(`the thread ${name} ended with code ${code}`));
    if (!stopping) failed.resolve(new Error(`the thread ${name} ended with code ${code}`));
  });

  function stop(graceMs: number): Promise<void> {
    stopping ??= stopThread(worker, name, exited.promise, graceMs, logging.log);
    return stopping;
  }

  const abandon = (): void => ready.reject(asError(signal?.reason));
  signal?.addEventListener('abort', abandon, { once: true });
  try {
    await within(readyWithinMs, ready.promise, () => new Error(`${name} was not ready in ${readyWithinMs} ms`));
    return {
      name,
      failed: failed.promise,
      waitsFor: async () => (await asked.call('waitsFor', undefined)) as ReturnType<OnThread['waitsFor']>,
      stop,
    };
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abandon);
  }
}

async function stopThread(worker: Worker, name: string, exited: Promise<true>, graceMs: number, log: Log) {
  const message: ToService = { type: 'stop' };
  worker.postMessage(message);
  if (await atMost(graceMs, exited)) return;
  log.warn({ service: name, graceMs }, 'A service did not stop in time; its thread is terminated.');
  await worker.terminate();
}
