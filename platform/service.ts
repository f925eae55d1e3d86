// A service: what its folder's service.ts exports, and everything that lists services derives from. That file is light: what
// it takes to run is loaded by `start`, so that whoever asks for a name carries no model runtime.

import type { Config } from './config.ts';
import type { BoundRoute } from './http/route.ts';
import type { Log } from './logging/log.ts';
import type { ConsumerMetrics } from './metrics/consumer-metrics.ts';
import type { Platform, PortName } from './platform.ts';
import type { Standings } from './standing/standings.ts';

/** `Standing` is the language's; a service that asks for none may leave it out. */
export interface Service<Standing = unknown> {
  /** By which `main.ts` starts it alone. */
  readonly name: string;
  /** The ports that it uses. */
  readonly needs: readonly PortName[];
  /** Its consumer group of the bus. Left out where it has none, or one for each of its parts. */
  readonly group?: string;
  /** The side of the API that it answers, where it answers requests: one process gives all these one HTTP server. */
  readonly side?: 'command' | 'query';
  /** It waits more than it computes: in one process it shares a thread with others of the kind. */
  readonly light?: boolean;
  /** Whether the process that runs everything has work for it; always, if left out. */
  readonly isWanted?: (config: Config) => boolean;
  /** Resolves when it works. Who opened its ports closes them. */
  start(use: Platform['use'], tools: ServiceTools<Standing>): Promise<RunningService>;
}

export interface ServiceTools<Standing> {
  readonly config: Config;
  readonly log: Log;
  readonly consumers: Pick<ConsumerMetrics, 'handled' | 'outcome'>;
  /** What each request must know of keys, tenants and models; over the read store and the live channel. */
  readonly standings: () => Promise<Standings<Standing>>;
  /** Reports that the service can no longer do its work. */
  readonly fail: (error: Error) => void;
}

export interface RunningService {
  /** Of an API. */
  readonly routes?: readonly BoundRoute[];
  /** What it waits for before it is ready; null when it is. */
  waitsFor(): string | null;
  /** By consumer group, events that are still before it; an upper bound. */
  readonly lags: Readonly<Record<string, () => Promise<number>>>;
  stop(): Promise<void>;
}
