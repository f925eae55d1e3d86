import { Counter, Gauge, Histogram } from 'prom-client';
import type { ThreadMetrics } from './thread-metrics.ts';

/** By runtime and not by model: tenants name models, and labels must have an end. */
export interface ModelHostMetrics {
  /** One run of a batch. */
  ran(runtime: string, items: number, seconds: number): void;
  /** Items by how they ended: `ok` or the error's code. */
  ended(runtime: string, outcome: string, items: number): void;
  loaded(runtime: string, seconds: number): void;
  loadFailed(runtime: string): void;
  /** What is in memory now. */
  holds(models: number, bytes: number): void;
}

export function createModelHostMetrics({ registry }: ThreadMetrics): ModelHostMetrics {
  const registers = [registry];
  const labelNames = ['runtime'] as const;
  const runs = new Histogram({
    name: 'defter_model_run_duration_seconds',
    help: 'Time to run one batch.',
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
    help: 'Items by how they ended.',
    labelNames: ['runtime', 'outcome'],
    registers,
  });
  const loads = new Histogram({
    name: 'defter_model_load_duration_seconds',
    help: 'Time to load a model.',
    labelNames,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const failures = new Counter({
    name: 'defter_model_load_failures_total',
    help: 'Models that could not be loaded.',
    labelNames,
    registers,
  });
  const models = new Gauge({ name: 'defter_models_loaded', help: 'Models in memory.', registers });
  const memory = new Gauge({ name: 'defter_models_loaded_bytes', help: 'Memory of loaded models.', registers });
  return {
    ran(runtime, items, seconds) {
      runs.observe({ runtime }, seconds);
      sizes.observe({ runtime }, items);
    },
    ended: (runtime, outcome, items) => ends.inc({ runtime, outcome }, items),
    loaded: (runtime, seconds) => loads.observe({ runtime }, seconds),
    loadFailed: (runtime) => failures.inc({ runtime }),
    holds(count, bytes) {
      models.set(count);
      memory.set(bytes);
    },
  };
}
