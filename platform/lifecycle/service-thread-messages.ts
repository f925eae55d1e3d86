// What a service's thread and the thread that started it say to each other.

import type { MessagePort } from 'node:worker_threads';
import type { Log, LogLevel } from '../logging/log.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { ThrownHere } from '../threads/thread-calls.ts';

/** What every thread of services is given besides its wiring. */
export interface ThreadTools {
  readonly log: Log;
  readonly metrics: ThreadMetrics;
  /** Reports that the thread can no longer do its work; the starter learns it as `failed`. */
  readonly fail: (error: Error) => void;
}

/** What was started on a thread. */
export interface OnThread {
  /** By service: what it waits for before it is ready; null when it is. */
  waitsFor(): Readonly<Record<string, string | null>>;
  stop(): Promise<void>;
}

/** What a thread's module exports as `startServices`. It resolves when they work. */
export type StartServices<Wiring> = (wiring: Wiring, tools: ThreadTools) => Promise<OnThread>;

export interface ThreadStart {
  readonly name: string;
  /** URL of the module that exports `startServices`. */
  readonly module: string;
  readonly wiring: unknown;
  readonly logPort: MessagePort;
  readonly logLevel: LogLevel;
  readonly metricsPort: MessagePort;
  /** Over which `waitsFor` is asked. */
  readonly questions: MessagePort;
}

export type FromService =
  { readonly type: 'ready' } | { readonly type: 'failed'; readonly error: ThrownHere } | { readonly type: 'stopped' };

export type ToService = { readonly type: 'stop' };
