import { Counter, Gauge, Histogram } from 'prom-client';
import type { ModelHost } from '../model-host/model-host.ts';
import type { ThreadMetrics } from './thread-metrics.ts';

/** The host, with its runs measured. By runtime and not by model: tenants name models, and labels must have an end. */
export function createMeasuredModelHost(host: ModelHost, { registry }: ThreadMetrics): ModelHost {
  const registers = [registry];
  const labelNames = ['runtime'] as const;
  const runs = new Histogram({
    name: 'defter_model_run_duration_seconds',
    help: 'Time to run one batch, loading the model included.',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
    registers,
  });
  const sizes = new Histogram({
    name: 'defter_model_batch_items',
    help: 'Items in one batch.',
    labelNames,
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers,
  });
  const ends = new Counter({
    name: 'defter_model_items_total',
    help: 'Items by how they ended: ok, or the error’s code.',
    labelNames: ['runtime', 'outcome'],
    registers,
  });
  const models = new Gauge({
    name: 'defter_models_loaded',
    help: 'Models in memory.',
    registers,
    collect() {
      models.set(host.loaded().length);
    },
  });
  const memory = new Gauge({
    name: 'defter_models_loaded_bytes',
    help: 'Memory of loaded models.',
    registers,
    collect() {
      memory.set(host.loaded().reduce((sum, { bytes }) => sum + bytes, 0));
    },
  });
  return {
    ...host,
    async run(spec, items, options) {
      const { runtime } = spec;
      const began = performance.now();
      const results = await host.run(spec, items, options);
      runs.observe({ runtime }, (performance.now() - began) / 1_000);
      sizes.observe({ runtime }, items.length);
      for (const result of results) ends.inc({ runtime, outcome: result.ok ? 'ok' : result.error.code });
      return results;
    },
  };
}
