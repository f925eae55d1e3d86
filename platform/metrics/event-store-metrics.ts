import { Counter, Gauge, Histogram } from 'prom-client';
import type { ThreadMetrics } from './thread-metrics.ts';

export interface EventStoreMetrics {
  /** One commit to disk, of so many appends and events. */
  committed(appends: number, events: number, seconds: number): void;
  /** `code` of the error an append was refused with. */
  refused(code: string): void;
  /** Appends waiting for the next commit. */
  waiting(appends: number): void;
}

export function createEventStoreMetrics({ registry }: ThreadMetrics): EventStoreMetrics {
  const registers = [registry];
  const commits = new Histogram({
    name: 'defter_event_store_commit_duration_seconds',
    help: 'Time of one commit, which may hold many appends.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
    registers,
  });
  const appends = new Counter({ name: 'defter_event_store_appends_total', help: 'Appends committed.', registers });
  const events = new Counter({ name: 'defter_event_store_events_total', help: 'Events committed.', registers });
  const refusals = new Counter({
    name: 'defter_event_store_refusals_total',
    help: 'Appends refused, by the error’s code.',
    labelNames: ['code'],
    registers,
  });
  const queue = new Gauge({ name: 'defter_event_store_waiting', help: 'Appends waiting for a commit.', registers });
  return {
    committed(appendCount, eventCount, seconds) {
      commits.observe(seconds);
      appends.inc(appendCount);
      events.inc(eventCount);
    },
    refused: (code) => refusals.inc({ code }),
    waiting: (appendCount) => queue.set(appendCount),
  };
}
