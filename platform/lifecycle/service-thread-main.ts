// The script of a worker thread for services: connects log and metrics, starts them, says how they are, stops them when told.

import { parentPort, workerData } from 'node:worker_threads';
import { asError } from '../errors.ts';
import { connectLog } from '../logging/thread-log.ts';
import { serveMetrics } from '../metrics/metrics-collection.ts';
import { createThreadMetrics } from '../metrics/thread-metrics.ts';
import { lowerThreadPriority } from '../threads/lower-priority.ts';
import { serveThreadCalls } from '../threads/thread-calls.ts';
import { thrown } from './cross-thread-error.ts';
import type { FromService, OnThread, StartServices, ThreadStart, ToService } from './service-thread-messages.ts';

const port = parentPort;
if (!port) throw new Error('service-thread-main.ts is the script of a worker thread');
const { name, module, wiring, logPort, logLevel, metricsPort, questions } = workerData as ThreadStart;

lowerThreadPriority();
const log = connectLog(logPort, logLevel);
const metrics = createThreadMetrics(name);
serveMetrics(metricsPort, metrics);
const fail = (error: unknown): void => post({ type: 'failed', error: thrown(asError(error)) });

// A worker that is told nothing more waits here, so the thread lives until it is stopped.
port.on('message', (message: ToService) => {
  if (message.type === 'stop') void stop();
});
const starting = start();
serveThreadCalls(questions, { waitsFor: async () => (await starting)?.waitsFor() });
questions.unref();

async function start(): Promise<OnThread | undefined> {
  try {
    const { startServices } = (await import(module)) as { startServices: StartServices<unknown> };
    const running = await startServices(wiring, { log, metrics, fail });
    post({ type: 'ready' });
    return running;
  } catch (error) {
    fail(error);
    return undefined;
  }
}

async function stop(): Promise<void> {
  try {
    const running = await starting;
    await running?.stop();
    post({ type: 'stopped' });
  } catch (error) {
    fail(error);
  } finally {
    port?.close();
    logPort.close();
    metricsPort.close();
    questions.close();
  }
}

function post(message: FromService): void {
  port?.postMessage(message);
}
