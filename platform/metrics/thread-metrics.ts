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

const ofTheProcess = /^process_|^nodejs_(?:external_memory|active_|version_info)/;

/** `main` is the name of the main thread, and of no other. */
export function createThreadMetrics(thread: string): ThreadMetrics {
  const registry = new Registry();
  const runtime = new Registry();
  collectDefaultMetrics({ register: runtime, labels: { thread } });
  if (thread !== 'main') {
    for (const { name } of runtime.getMetricsAsArray()) if (ofTheProcess.test(name)) runtime.removeSingleMetric(name);
  }
  return {
    registry,
    async collect() {
      const [ofThread, named] = await Promise.all([runtime.getMetricsAsJSON(), registry.getMetricsAsJSON()]);
      return [...ofThread.map(withoutThread), ...named];
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
