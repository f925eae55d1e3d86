// What every process of Defter begins with: settings, a log, metrics, and the port that operators ask, from the first
// moment on.

import { type Config, describeConfig, misspeltSettingsFound } from '#platform/config.ts';
import type { ReadinessCheck } from '#platform/http/ops-routes.ts';
import { openHttpServer } from '#platform/http/serve.ts';
import type { Program } from '#platform/lifecycle/lifecycle.ts';
import { type Logging, openLogging } from '#platform/logging/open-logging.ts';
import { createMetricsCollection, type MetricsCollection } from '#platform/metrics/metrics-collection.ts';
import { createThreadMetrics, type ThreadMetrics } from '#platform/metrics/thread-metrics.ts';
import type { Platform } from '#platform/platform.ts';
import { createOperationsApp } from './service-app.ts';

export interface ProcessParts {
  readonly logging: Logging;
  readonly metrics: ThreadMetrics;
  readonly collection: MetricsCollection;
  /** What `/readyz` asks; whoever opens a part adds its own. */
  readonly checks: Record<string, ReadinessCheck>;
  /** Told beside it, by consumer group. */
  readonly lags: Record<string, () => Promise<number>>;
  /** Servers that are waited for now. */
  readonly waits: Set<string>;
  /** Of the operators' port, where there is one of its own. */
  readonly opsUrl: string | undefined;
  /** From now on the process works: the engines' health is asked instead of what it waits for. */
  started(platform: Pick<Platform, 'health'>): void;
}

export interface ProcessOptions {
  /** The name on each log line. */
  readonly service: string;
  readonly logDir: string | null;
  readonly opsPort: number | undefined;
}

const STARTING = 'start';

export async function openProcess(program: Program, config: Config, options: ProcessOptions): Promise<ProcessParts> {
  const logging = await program.open(
    'logging',
    () =>
      openLogging({
        service: options.service,
        level: config.logLevel,
        dir: options.logDir,
        rotation: { maxBytes: config.logMaxBytes, files: config.logFiles, maxAgeMs: config.logMaxAge },
      }),
    (open) => open.close(),
  );
  program.logTo(logging);
  logging.log.info({ config: describeConfig(config) }, 'starting');
  for (const sentence of misspeltSettingsFound()) logging.log.warn({}, sentence);
  const metrics = createThreadMetrics('main');
  const collection = createMetricsCollection(metrics);
  const waits = new Set<string>();
  const checks: Record<string, ReadinessCheck> = {
    [STARTING]: () => {
      throw new Error(waits.size > 0 ? `waiting for ${[...waits].join(', ')}` : 'starting');
    },
    // Whoever balances load among several is to send nothing more to one that ends.
    stop: () => {
      if (program.stopping.aborted) throw new Error('stopping');
    },
  };
  const lags: ProcessParts['lags'] = {};
  const { opsPort } = options;
  const ops =
    opsPort === undefined
      ? undefined
      : await program.open(
          'operations server',
          () =>
            openHttpServer({
              app: createOperationsApp(
                { checks, lags, metrics: collection, metricsToken: config.metricsToken },
                logging,
              ),
              host: config.host,
              port: opsPort,
              log: logging.log,
            }),
          (open) => open.close(0),
        );
  return {
    logging,
    metrics,
    collection,
    checks,
    lags,
    waits,
    opsUrl: ops?.url,
    started({ health }) {
      delete checks[STARTING];
      Object.assign(checks, health);
    },
  };
}
