// Everything in one process, on one port: the default, and all that one machine needs. Any of its engines may be a server
// instead.

import { join } from 'node:path';
import { createStartPage } from '../query-api/start-page.ts';
import { openKeyUses } from '#platform/auth/key-uses.ts';
import { type Config, loadConfig } from '#platform/config.ts';
import { engineFaults } from '#platform/config/engines.ts';
import { StartError } from '#platform/errors.ts';
import { openHttpServer } from '#platform/http/serve.ts';
import { openDataFolder } from '#platform/lifecycle/data-folder.ts';
import { type Program, runProgram } from '#platform/lifecycle/lifecycle.ts';
import { pinSettings } from '#platform/lifecycle/pinned-settings.ts';
import { startServiceThread } from '#platform/lifecycle/service-thread.ts';
import { supervise } from '#platform/lifecycle/supervise.ts';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';
import { openPlatform, type Platform, prepareEngines } from '#platform/platform.ts';
import { openAccessTokens } from './access-tokens.ts';
import { createBanner } from './banner.ts';
import { eventLanguage } from './event-language.ts';
import { discover, makeFirstThings } from './first-start.ts';
import { createRequestLimits } from './request-limits.ts';
import { createDocumentation, createOperations, createServiceApp } from './service-app.ts';
import { openProcess, type ProcessParts } from './process.ts';
import { openStandingsOf } from './service-standings.ts';
import type { ServicesWiring } from './service-thread.ts';
import { allServices, type ThreadPlan, threadsOf } from './services.ts';
import { expectedStartFaults } from './start-faults.ts';
import { startService } from './start-service.ts';

export const runAllInOne = () => runProgram((program) => expectedStartFaults(() => start(program)));

async function start(program: Program): Promise<void> {
  const startedAt = performance.now();
  const config = loadConfig();
  const faults = engineFaults(config);
  if (faults.length > 0) throw new StartError(faults, 'bad-configuration');
  program.setGrace(config.shutdownGraceMs);
  await program.open(
    'data folder',
    () => openDataFolder(config.dataDir),
    (folder) => folder.close(),
  );
  pinSettings(config.dataDir, { PARTITIONS: String(config.partitions) });
  const logDir = config.logDir === undefined ? join(config.dataDir, 'logs') : config.logDir;
  const parts = await openProcess(program, config, { service: 'defter', logDir, opsPort: config.opsPort });
  const { logging, metrics, waits } = parts;
  const { log } = logging;

  const options = { config, events: eventLanguage, log, metrics, waits, signal: program.stopping };
  await prepareEngines(options);
  const platform = await program.open(
    'platform',
    () => openPlatform({ ...options, besideThreads: true, onOtherGeneration: 'empty' }),
    (open) => open.close(),
  );
  void platform.failed.then((error) => program.fail('event store', error));
  // The search index too, though no service here reads it yet: of all threads only this one empties what another log left.
  const ports = await platform.use([
    'store',
    'readStore',
    'searchIndex',
    'live',
    'keyring',
    'rates',
    'contents',
    'serverKey',
    'passwords',
  ]);
  const standings = await program.open(
    'standings',
    async () => openStandingsOf(ports, config, log),
    (open) => open.close(),
  );
  const first = await makeFirstThings({ ports, standings, config, shown: process.stdout.isTTY, log });
  for (const plan of threadsOf(allServices, config)) await openThread(program, config, platform, parts, plan);
  const tools = { config, log, consumers: createConsumerMetrics(metrics), standings: async () => standings };
  const apis = [];
  for (const service of allServices.filter(({ side }) => side !== undefined)) {
    const api = await program.open(
      service.name,
      () => startService(service, platform.use, { ...tools, fail: (error) => program.fail(service.name, error) }),
      (open) => open.stop(),
    );
    apis.push(api);
  }
  const keyUses = await program.open(
    'key uses',
    async () => openKeyUses(ports.readStore, log),
    (open) => open.close(),
  );
  const app = createServiceApp({
    routes: [
      ...apis.flatMap(({ routes = [] }) => routes),
      createStartPage(() => server.url),
      ...createDocumentation(),
      ...createOperations({ checks: parts.checks, metrics: parts.collection, metricsToken: config.metricsToken }),
    ],
    standings,
    accessTokens: await openAccessTokens(platform.use),
    keyUses,
    trustProxy: config.trustProxy,
    ...createRequestLimits(ports.rates, config),
    logging,
    httpMetrics: createHttpMetrics(metrics),
    checkAnswers: config.checkAnswers,
  });
  parts.started(platform);
  const server = await program.open(
    'HTTP server',
    () => openHttpServer({ app, host: config.host, port: config.port, log }),
    // What is left is enough for the services behind it, which stop after it.
    (open) => open.close(config.shutdownGraceMs * 0.4),
  );
  const discovered = await discover(config, { store: ports.store, standings, log });
  log.info({ url: server.url }, 'ready');
  const isTerminal = process.stdout.isTTY;
  const startedInMs = performance.now() - startedAt;
  const facts = { url: server.url, ...first, isTerminal, dataDir: config.dataDir, discovered, startedInMs };
  process.stderr.write(`${createBanner(facts)}\n`);
}

/** A thread of services, started anew when it fails. */
async function openThread(
  program: Program,
  config: Config,
  platform: Pick<Platform, 'connect'>,
  { logging, collection: metrics, checks }: ProcessParts,
  plan: ThreadPlan,
): Promise<void> {
  const { name } = plan;
  const module = new URL('../main.ts', import.meta.url);
  const names = plan.services.map((service) => service.name);
  const supervised = await program.open(
    name,
    () =>
      supervise(
        (signal) => {
          const { wiring: thread, transfer } = platform.connect();
          const wiring: ServicesWiring = { services: names, config, thread };
          return startServiceThread({ name, module, wiring, transfer, logging, metrics, signal });
        },
        { name, log: logging.log },
      ),
    (thread) => thread.stop(config.shutdownGraceMs * 0.8),
  );
  for (const service of names) {
    checks[service] = async () => {
      const running = supervised.running();
      if (!running) throw new Error('it failed and is being started anew');
      const { [service]: reason } = await running.waitsFor();
      if (reason != null) throw new Error(reason);
    };
  }
}
