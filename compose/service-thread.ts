import type { Config } from '#platform/config.ts';
import type { StartServices } from '#platform/lifecycle/service-thread-messages.ts';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { openPlatform, type ThreadWiring } from '#platform/platform.ts';
import { eventLanguage } from './event-language.ts';
import { runTogether } from './run-together.ts';
import { type OpenStandings, openServiceStandings } from './service-standings.ts';
import { allServices } from './services.ts';

/** What a thread of services is given. */
export interface ServicesWiring {
  /** Their names. */
  readonly services: readonly string[];
  readonly config: Config;
  readonly thread: ThreadWiring;
}

/** What each thread of the process that runs everything runs; see platform/lifecycle/service-thread.ts. */
export const startServices: StartServices<ServicesWiring> = async (wiring, { log, metrics, fail }) => {
  const { config, thread } = wiring;
  const platform = await openPlatform({ config, events: eventLanguage, log, metrics, thread, besideThreads: true });
  let shared: Promise<OpenStandings> | undefined;
  const running = await runTogether(
    allServices.filter(({ name }) => wiring.services.includes(name)),
    platform.use,
    {
      config,
      log,
      consumers: createConsumerMetrics(metrics),
      standings: () =>
        (shared ??= platform.use(['store', 'readStore', 'live']).then((ports) => openServiceStandings(ports, log))),
      fail,
    },
  );
  return {
    waitsFor: () => running.waitsFor(),
    async stop() {
      await running.stop();
      (await shared)?.close();
      await platform.close();
    },
  };
};
