// The services that run beside the APIs, each put together from the floor: in a thread of one process, or as a process.

import { topicOf } from '#events/aggregates.ts';
import { type Config, readVariable } from '#platform/config.ts';
import type { ThreadTools } from '#platform/lifecycle/service-thread-messages.ts';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { createMeasuredEventStore } from '#platform/metrics/event-store-metrics.ts';
import { createMeasuredModelHost } from '#platform/metrics/model-host-metrics.ts';
import { type Floor, openModels, openThreadPlatform, type Ports } from '#platform/platform.ts';
import { eventLanguage } from './event-language.ts';
import { sayReadiness } from './readiness.ts';
import { createServiceStandings } from './service-standings.ts';
import type { BackgroundService, ServiceWiring } from './service-wiring.ts';

export interface RunningService {
  /** What it waits for before it is ready; null when it is. */
  waitsFor(): string | null;
  /** By consumer group, events that are still before it; an upper bound. */
  readonly lags: Readonly<Record<string, () => Promise<number>>>;
  stop(): Promise<void>;
}

/** Opens the floor with the ports that a service needs. */
type OpenFloor = <const Need extends keyof Ports>(needs: readonly Need[]) => Promise<Floor & Pick<Ports, Need>>;

/** Puts a service together. Who opened the floor closes it. */
type StartBackground = (open: OpenFloor, config: Config, tools: ThreadTools) => Promise<RunningService>;

/** How often documents that have expired are looked for, and how many are removed at once. */
const SWEEP = { everyMs: 60_000, limit: 5_000 } as const;

/** What a service's thread of the one process runs. */
export async function startNamedService(wiring: ServiceWiring, tools: ThreadTools): Promise<{ stop(): Promise<void> }> {
  const { config, instance, thread } = wiring;
  const closing: (() => Promise<void>)[] = [];
  const open: OpenFloor = async (needs) => {
    const floor = await openThreadPlatform({ config, events: eventLanguage, log: tools.log }, thread, [
      ...needs,
      'live',
    ]);
    closing.push(
      () => floor.close(),
      async () => silence(),
    );
    const silence = sayReadiness(floor.live, instance, wiring.service, () =>
      service ? service.waitsFor() : 'it is starting',
    );
    return { ...floor, store: createMeasuredEventStore(floor.store, tools.metrics) };
  };
  let service: RunningService | undefined;
  service = await startBackground[wiring.service](open, config, tools);
  return {
    async stop() {
      await service?.stop();
      for (let last = closing.pop(); last; last = closing.pop()) await last();
    },
  };
}

const startProjectorsService: StartBackground = async (open, config, { log, metrics, fail }) => {
  const floor = await open(['bus', 'logBus', 'readStore', 'searchIndex', 'live', 'contents']);
  const { startProjectors } = await import('../projectors/start.ts');
  const { readModelsOf } = await import('../projectors/read-models.ts');
  const consumers = createConsumerMetrics(metrics);
  const running = await startProjectors({
    ...floor,
    readModels: readModelsOf(config),
    rebuildBus: floor.logBus === floor.bus ? undefined : floor.logBus,
    log,
    observe: {
      applied: (name, { events, milliseconds }) => consumers.handled(name, events, milliseconds / 1_000),
      parked: (name) => consumers.outcome(name, 'parked', 1),
    },
  });
  for (const one of running.projections) consumers.watchLag(one.name, () => one.lag());
  void running.failed.then(fail);
  const sweeping = setInterval(() => {
    floor.sweepExpired(Date.now(), SWEEP.limit).catch((err: unknown) => {
      log.warn({ err }, 'expired documents could not be removed');
    });
  }, SWEEP.everyMs);
  return {
    lags: Object.fromEntries(running.projections.map((one) => [one.name, () => one.lag()])),
    waitsFor() {
      const behind = running.projections.filter((one) => !one.ready()).map(({ name }) => name);
      return behind.length === 0 ? null : `not caught up, or its store fails: ${behind.join(', ')}`;
    },
    async stop() {
      clearInterval(sweeping);
      await running.stop();
    },
  };
};

const startInferenceService: StartBackground = async (open, config, { log, metrics, fail }) => {
  const floor = await open(['bus', 'readStore', 'live', 'keyring', 'contents']);
  const { GROUP, startInferenceWorker } = await import('../workers/inference/start.ts');
  const host = createMeasuredModelHost(await openModels(config, log), metrics);
  const worker = await startInferenceWorker({
    ...floor,
    standings: createServiceStandings(floor),
    shared: config.kafkaBrokers !== undefined,
    host,
    readSecret: (secretId, tenantId) => floor.keyring.readSecret(secretId, tenantId),
    environment: (name) => readVariable(name),
    allowPrivateUpstreams: config.allowPrivateUpstreams,
    now: Date.now,
    log,
  });
  createConsumerMetrics(metrics).watchLag(GROUP, () => worker.lag());
  void worker.failed.then(fail);
  return {
    lags: { [GROUP]: () => worker.lag() },
    waitsFor: () => (worker.caughtUp() ? null : 'not caught up'),
    async stop() {
      await worker.stop();
      await host.close();
    },
  };
};

const startRelayService: StartBackground = async (open, _config, { log, metrics, fail }) => {
  const floor = await open(['relayTarget']);
  const { GROUP, startRelay } = await import('../workers/relay/start.ts');
  const consumers = createConsumerMetrics(metrics);
  const relay = startRelay({
    store: floor.store,
    target: floor.relayTarget,
    topicOf,
    partitionOf: floor.partitionOf,
    log,
    observe: { relayed: (events, milliseconds) => consumers.handled(GROUP, events, milliseconds / 1_000) },
  });
  consumers.watchLag(GROUP, () => relay.lag());
  void relay.failed.then(fail);
  return { lags: { [GROUP]: () => relay.lag() }, waitsFor: () => relay.waitsFor(), stop: () => relay.stop() };
};

export const startBackground: Readonly<Record<BackgroundService, StartBackground>> = {
  projectors: startProjectorsService,
  'workers:inference': startInferenceService,
  'workers:relay': startRelayService,
};
