// The services that run in a thread of their own, each put together from the floor.

import { readVariable } from '#platform/config.ts';
import type { ThreadTools } from '#platform/lifecycle/service-thread-messages.ts';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { createMeasuredEventStore } from '#platform/metrics/event-store-metrics.ts';
import { createMeasuredModelHost } from '#platform/metrics/model-host-metrics.ts';
import { openModels, openThreadPlatform, type Platform } from '#platform/platform.ts';
import { eventLanguage } from './event-language.ts';
import { sayReadiness } from './readiness.ts';
import { createServiceStandings } from './service-standings.ts';
import type { ServiceWiring } from './service-wiring.ts';

interface RunningService {
  /** What it waits for before it is ready; null when it is. */
  waitsFor(): string | null;
  stop(): Promise<void>;
}

/** How often documents that have expired are looked for, and how many are removed at once. */
const SWEEP = { everyMs: 60_000, limit: 5_000 } as const;

export async function startNamedService(wiring: ServiceWiring, tools: ThreadTools): Promise<{ stop(): Promise<void> }> {
  const platform = await openThreadPlatform(
    { config: wiring.config, events: eventLanguage, log: tools.log },
    wiring.thread,
  );
  const measured = { ...platform, store: createMeasuredEventStore(platform.store, tools.metrics) };
  const service = await SERVICES[wiring.service](measured, wiring, tools);
  const silence = sayReadiness(platform.live, wiring.service, () => service.waitsFor());
  return {
    async stop() {
      silence();
      await service.stop();
      await platform.close();
    },
  };
}

async function projectors(
  platform: Platform,
  _: ServiceWiring,
  { log, metrics, fail }: ThreadTools,
): Promise<RunningService> {
  const { startProjectors } = await import('../projectors/start.ts');
  const consumers = createConsumerMetrics(metrics);
  const running = await startProjectors({
    ...platform,
    log,
    observe: {
      applied: (name, { events, milliseconds }) => consumers.handled(name, events, milliseconds / 1_000),
      parked: (name) => consumers.outcome(name, 'parked', 1),
    },
  });
  for (const one of running.projections) consumers.watchLag(one.name, () => one.lag());
  void running.failed.then(fail);
  const sweeping = setInterval(() => {
    platform.sweepExpired(Date.now(), SWEEP.limit).catch((err: unknown) => {
      log.warn({ err }, 'expired documents could not be removed');
    });
  }, SWEEP.everyMs);
  return {
    waitsFor() {
      const behind = running.projections.filter((one) => !one.ready()).map(({ name }) => name);
      return behind.length === 0 ? null : `not caught up, or its store fails: ${behind.join(', ')}`;
    },
    async stop() {
      clearInterval(sweeping);
      await running.stop();
    },
  };
}

async function inferenceWorker(
  platform: Platform,
  { config }: ServiceWiring,
  { log, metrics, fail }: ThreadTools,
): Promise<RunningService> {
  const { GROUP, startInferenceWorker } = await import('../workers/inference/start.ts');
  const host = createMeasuredModelHost(await openModels(config, log), metrics);
  const worker = await startInferenceWorker({
    ...platform,
    standings: createServiceStandings(platform),
    host,
    readSecret: (secretId, tenantId) => platform.keyring.readSecret(secretId, tenantId),
    environment: (name) => readVariable(name),
    allowPrivateUpstreams: config.allowPrivateUpstreams,
    now: Date.now,
    log,
  });
  createConsumerMetrics(metrics).watchLag(GROUP, () => worker.lag());
  void worker.failed.then(fail);
  return {
    waitsFor: () => (worker.caughtUp() ? null : 'not caught up'),
    async stop() {
      await worker.stop();
      await host.close();
    },
  };
}

const SERVICES = { projectors, 'workers:inference': inferenceWorker } as const;
