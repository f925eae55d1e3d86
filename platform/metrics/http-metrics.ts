import { Gauge, Histogram } from 'prom-client';
import type { ThreadMetrics } from './thread-metrics.ts';

export interface HttpMetrics {
  /** `route` is the pattern, never the path: paths have no end. */
  answered(method: string, route: string, status: number, seconds: number): void;
  opened(): void;
  closed(): void;
}

/** Duration of requests by method, route and status, and how many are being answered. */
export function createHttpMetrics({ registry }: ThreadMetrics): HttpMetrics {
  const duration = new Histogram({
    name: 'defter_http_request_duration_seconds',
    help: 'From the request’s head to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const active = new Gauge({
    name: 'defter_http_requests_active',
    help: 'Requests being answered.',
    registers: [registry],
  });
  const children = new Map<string, { observe(seconds: number): void }>();
  return {
    answered(method, route, status, seconds) {
      const key = `${method} ${route} ${status}`;
      let child = children.get(key);
      if (!child) children.set(key, (child = duration.labels({ method, route, status })));
      child.observe(seconds);
    },
    opened: () => active.inc(),
    closed: () => active.dec(),
  };
}
