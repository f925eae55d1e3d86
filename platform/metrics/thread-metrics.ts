// The metrics of one thread. Each thread counts for itself; the main thread adds them up when they are asked for
// (metrics-collection.ts). What belongs to a thread and cannot be added up, its event loop and its heap, is labelled with
// the thread's name; what belongs to the process is reported by the main thread alone.

import { collectDefaultMetrics, Registry, type MetricObjectWithValues, type MetricValue } from 'prom-client';

export type CollectedMetrics = MetricObjectWithValues<MetricValue<string>>[];

export interface ThreadMetrics {
  /** Where the named metrics of this folder are registered. */
  readonly registry: Registry;
  collect(): Promise<CollectedMetrics>;
}

/**
 * How often each thread is woken to see how late that is, in milliseconds. Most often the one that answers requests: what
 * is shorter than this goes unseen, and each wake-up costs some 10 µs.
 */
const LOOK_MS = { main: 2, other: 10 };

/** prom-client reports the time between two looks; how late the second was is that less the interval. */
const lookInterval = /^nodejs_eventloop_lag_(?:min|max|mean|p50|p90|p99)_seconds$/;

const ofTheProcess = /^process_|^nodejs_(?:external_memory|active_|version_info)/;

/** `main` is the name of the main thread, and of no other. */
export function createThreadMetrics(thread: string): ThreadMetrics {
  const registry = new Registry();
  const runtime = new Registry();
  const lookMs = thread === 'main' ? LOOK_MS.main : LOOK_MS.other;
  collectDefaultMetrics({ register: runtime, labels: { thread }, eventLoopMonitoringPrecision: lookMs });
  if (thread !== 'main') {
    for (const { name } of runtime.getMetricsAsArray()) if (ofTheProcess.test(name)) runtime.removeSingleMetric(name);
  }
  return {
    registry,
    async collect() {
      const [ofThread, named] = await Promise.all([runtime.getMetricsAsJSON(), registry.getMetricsAsJSON()]);
      return [...ofThread.map((metric) => asLateness(withoutThread(metric), lookMs / 1_000)), ...named];
    },
  };
}

/** What belongs to the process names no thread. */
function withoutThread(metric: CollectedMetrics[number]): CollectedMetrics[number] {
  if (!ofTheProcess.test(metric.name)) return metric;
  const values = metric.values.map((value) => {
    const { thread, ...labels } = value.labels;
    return thread === undefined ? value : { ...value, labels };
  });
  return { ...metric, values };
}

function asLateness(metric: CollectedMetrics[number], interval: number): CollectedMetrics[number] {
  if (!lookInterval.test(metric.name)) return metric;
  const help = 'How late the event loop came to a timer that was due, since the last collection, in seconds.';
  return { ...metric, help, values: metric.values.map((v) => ({ ...v, value: Math.max(0, v.value - interval) })) };
}
