// All threads' metrics in one answer, for Prometheus.

import { AggregatorRegistry, Gauge, Registry } from 'prom-client';
import type { MessagePort } from 'node:worker_threads';
import { createThreadCaller, serveThreadCalls, type ThreadCaller } from '../threads/thread-calls.ts';
import type { CollectedMetrics, ThreadMetrics } from './thread-metrics.ts';
import { atMost } from '../patience/within.ts';

export interface MetricsCollection {
  /** Adds a thread's metrics; the thread has the other end of the channel and called `serveMetrics`. */
  attach(port: MessagePort, thread: string): void;
  /**
   * The sum over all threads in Prometheus' text format. A thread that does not answer within a second is left out and
   * counted in `defter_metrics_silent_threads`.
   */
  scrape(): Promise<{ readonly contentType: string; readonly body: string }>;
}

export function createMetricsCollection(main: ThreadMetrics, answerWithinMs = 1_000): MetricsCollection {
  const threads = new Map<string, ThreadCaller>();
  const silent = new Gauge({
    name: 'defter_metrics_silent_threads',
    help: 'Threads whose metrics are missing from this answer.',
    registers: [],
  });
  const about = new Registry();
  about.registerMetric(silent);
  return {
    attach(port, thread) {
      const caller = createThreadCaller(port);
      threads.set(thread, caller);
      port.on('close', () => {
        if (threads.get(thread) === caller) threads.delete(thread);
      });
    },
    async scrape() {
      const asked = [...threads.values()].map((caller) => collectFrom(caller, answerWithinMs));
      const collected = await Promise.all([main.collect(), ...asked]);
      const answered = collected.filter((metrics) => metrics !== undefined);
      silent.set(collected.length - answered.length);
      const parts = [...answered, (await about.getMetricsAsJSON()) as CollectedMetrics];
      const sum = AggregatorRegistry.aggregate(parts);
      return { contentType: sum.contentType, body: await sum.metrics() };
    },
  };
}

async function collectFrom(caller: ThreadCaller, withinMs: number): Promise<CollectedMetrics | undefined> {
  // A thread that ended since has nothing to add either.
  const answer = caller.call('collect', undefined).then(
    (metrics) => metrics as CollectedMetrics,
    () => undefined,
  );
  return atMost(withinMs, answer);
}

/** A thread's side: answers what `attach` asks. The port does not hold the thread. */
export function serveMetrics(port: MessagePort, metrics: ThreadMetrics): void {
  serveThreadCalls(port, { collect: () => metrics.collect() });
  port.unref();
}
