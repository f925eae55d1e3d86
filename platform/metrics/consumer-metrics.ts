import { Counter, Gauge, Histogram } from 'prom-client';
import type { ThreadMetrics } from './thread-metrics.ts';

export type ConsumerOutcome = 'done' | 'retried' | 'parked';

/** What consumer groups of the bus do: workers and projections alike. */
export interface ConsumerMetrics {
  /** One batch of so many events that a group has handled. */
  handled(group: string, events: number, seconds: number): void;
  outcome(group: string, outcome: ConsumerOutcome, events: number): void;
  /** Has the group's lag read whenever metrics are collected; returns what ends that. A failing read leaves it out. */
  watchLag(group: string, lag: () => Promise<number>): () => void;
  /** Streams that the group has parked (dead letters). */
  parked(group: string, streams: number): void;
}

export function createConsumerMetrics({ registry }: ThreadMetrics): ConsumerMetrics {
  const registers = [registry];
  const labelNames = ['group'] as const;
  const lags = new Map<string, () => Promise<number>>();
  const events = new Counter({ name: 'defter_consumer_events_total', help: 'Events handled.', labelNames, registers });
  const batches = new Histogram({
    name: 'defter_consumer_batch_duration_seconds',
    help: 'Time to handle one batch.',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  });
  const outcomes = new Counter({
    name: 'defter_consumer_outcomes_total',
    help: 'Events by what became of them.',
    labelNames: ['group', 'outcome'],
    registers,
  });
  const deadLetters = new Gauge({
    name: 'defter_consumer_parked_streams',
    help: 'Streams set aside after a failure.',
    labelNames,
    registers,
  });
  const gauge = new Gauge({
    name: 'defter_consumer_lag_events',
    help: 'Events in the log that the group has yet to see, at most.',
    labelNames,
    registers,
    async collect() {
      const read = async ([group, lag]: [string, () => Promise<number>]) => [group, await lag()] as const;
      const results = await Promise.allSettled([...lags].map(read));
      gauge.reset();
      for (const result of results)
        if (result.status === 'fulfilled') gauge.set({ group: result.value[0] }, result.value[1]);
    },
  });
  return {
    handled(group, count, seconds) {
      events.inc({ group }, count);
      batches.observe({ group }, seconds);
    },
    outcome: (group, outcome, count) => outcomes.inc({ group, outcome }, count),
    watchLag(group, lag) {
      lags.set(group, lag);
      return () => {
        if (lags.get(group) === lag) lags.delete(group);
      };
    },
    parked: (group, streams) => deadLetters.set({ group }, streams),
  };
}
