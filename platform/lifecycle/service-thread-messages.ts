// What a service's thread and the thread that started it say to each other.

import type { MessagePort } from 'node:worker_threads';
import type { Log, LogLevel } from '../logging/log.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { ThrownHere } from '../threads/thread-calls.ts';

/** What every service in a thread is given besides its wiring. */
export interface ThreadTools {
  readonly log: Log;
  readonly metrics: ThreadMetrics;
  /** Reports that the service can no longer do its work; the starter learns it as `failed`. */
  readonly fail: (error: Error) => void;
}

/** What a service module exports as `startService`. It resolves when the service is ready for work. */
export type StartService<Wiring> = (wiring: Wiring, tools: ThreadTools) => Promise<{ stop(): Promise<void> }>;

export interface ThreadStart {
  readonly name: string;
  /** URL of the module that exports `startService`. */
  readonly module: string;
  readonly wiring: unknown;
  readonly logPort: MessagePort;
  readonly logLevel: LogLevel;
  readonly metricsPort: MessagePort;
}

export type FromService =
  { readonly type: 'ready' } | { readonly type: 'failed'; readonly error: ThrownHere } | { readonly type: 'stopped' };

export type ToService = { readonly type: 'stop' };
