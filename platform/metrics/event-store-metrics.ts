import { Counter, Histogram } from 'prom-client';
import { codeOf } from '../errors.ts';
import type { EventStore } from '../event-store/event-store.ts';
import type { ThreadMetrics } from './thread-metrics.ts';

/** The store, with its appends measured: from the call to its durable answer. */
export function createMeasuredEventStore(store: EventStore, { registry }: ThreadMetrics): EventStore {
  const registers = [registry];
  const durations = new Histogram({
    name: 'defter_event_store_append_duration_seconds',
    help: 'From an append to its durable answer.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
    registers,
  });
  const events = new Counter({ name: 'defter_event_store_events_total', help: 'Events appended.', registers });
  const refusals = new Counter({
    name: 'defter_event_store_refusals_total',
    help: 'Appends that failed, by the error’s code.',
    labelNames: ['code'],
    registers,
  });
  return {
    ...store,
    async append(stream, appended, expected) {
      const began = performance.now();
      try {
        const answer = await store.append(stream, appended, expected);
        durations.observe((performance.now() - began) / 1_000);
        events.inc(appended.length);
        return answer;
      } catch (error) {
        refusals.inc({ code: codeOf(error) ?? 'unknown' });
        throw error;
      }
    },
  };
}
