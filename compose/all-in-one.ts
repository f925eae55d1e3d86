// Everything in one process, on one port: the default, and all that one machine needs. Any of its engines may be a server
// instead.

import { join } from 'node:path';
import { createBanner } from '../cli/banner.ts';
import { openCommandApi } from '../command-api/start.ts';
import { readModelsOf } from '../projectors/read-models.ts';
import { createStartPage } from '../query-api/start-page.ts';
import { createQueryApi } from '../query-api/start.ts';
import { type Config, loadConfig } from '#platform/config.ts';
import { engineFaults } from '#platform/config/engines.ts';
import { StartError } from '#platform/errors.ts';
import { openHttpServer } from '#platform/http/serve.ts';
import { openDataFolder } from '#platform/lifecycle/data-folder.ts';
import { type Program, runProgram } from '#platform/lifecycle/lifecycle.ts';
import { pinSettings } from '#platform/lifecycle/pinned-settings.ts';
import { startServiceThread } from '#platform/lifecycle/service-thread.ts';
import { superviseThread } from '#platform/lifecycle/supervise-thread.ts';
import { createMeasuredEventStore } from '#platform/metrics/event-store-metrics.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';
import { newId } from '#platform/new-id.ts';
import { type MainFloor, openMainPlatform, type Ports, prepareEngines } from '#platform/platform.ts';
import { commandApiOptions } from './command-api-options.ts';
import { eventLanguage } from './event-language.ts';
import { discover, makeFirstThings } from './first-start.ts';
import { createDocumentation, createOperations, createServiceApp } from './service-app.ts';
import { openProcess, type ProcessParts } from './process.ts';
import { watchReadiness } from './readiness.ts';
import { createStandingsOf } from './service-standings.ts';
import { type BackgroundService, backgroundServicesOf, type ServiceWiring } from './service-wiring.ts';
import { expectedStartFaults } from './start-faults.ts';

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

  const options = { config, events: eventLanguage, log, waits, signal: program.stopping };
  await prepareEngines(options);
  const opened = await program.open(
    'platform',
    () =>
      openMainPlatform({ ...options, onOtherGeneration: 'empty' }, [
        'readStore',
        'searchIndex',
        'live',
        'keyring',
        'contents',
        'tokens',
        'serverKey',
      ]),
    (open) => open.close(),
  );
  const floor = { ...opened, store: createMeasuredEventStore(opened.store, metrics) };
  void floor.failed.then((error) => program.fail('event store', error));
  const standings = createStandingsOf(floor, config);
  const firstKey = await makeFirstThings({ floor, standings, config, shown: process.stdout.isTTY });
  await openServices(program, config, floor, parts);
  const commandApi = await program.open(
    'command API',
    () => openCommandApi(commandApiOptions({ floor, standings, config, log })),
    (open) => open.close(),
  );
  const app = createServiceApp({
    routes: [
      ...commandApi.routes,
      ...createQueryApi({ floor, standings, readModels: readModelsOf(config), log, now: Date.now }),
      createStartPage(() => server.url),
      ...createDocumentation(),
      ...createOperations({ checks: parts.checks, metrics: parts.collection, metricsToken: config.metricsToken }),
    ],
    standings,
    logging,
    httpMetrics: createHttpMetrics(metrics),
    checkAnswers: config.checkAnswers,
  });
  parts.started(floor);
  const server = await program.open(
    'HTTP server',
    () => openHttpServer({ app, host: config.host, port: config.port, log }),
    (open) => open.close(config.shutdownGraceMs * 0.6),
  );
  const discovered = await discover(config, { store: floor.store, standings, log });
  log.info({ url: server.url }, 'ready');
  const isTerminal = process.stdout.isTTY;
  const startedInMs = performance.now() - startedAt;
  const facts = { url: server.url, firstKey, isTerminal, dataDir: config.dataDir, discovered, startedInMs };
  process.stderr.write(`${createBanner(facts)}\n`);
}

/** Each on a thread of its own, started anew when it fails. */
async function openServices(
  program: Program,
  config: Config,
  floor: Pick<MainFloor, 'connect'> & Pick<Ports, 'live'>,
  { logging, collection: metrics, checks }: ProcessParts,
) {
  const instance = newId();
  const open = (service: BackgroundService) =>
    program.open(
      service,
      () =>
        superviseThread(
          (signal) => {
            const { wiring: thread, transfer } = floor.connect();
            const wiring: ServiceWiring = { service, instance, config, thread };
            const module = new URL('../main.ts', import.meta.url);
            return startServiceThread({ name: service, module, wiring, transfer, logging, metrics, signal });
          },
          { log: logging.log },
        ),
      (thread) => thread.stop(config.shutdownGraceMs * 0.8),
    );
  const readiness = watchReadiness(floor.live, instance);
  for (const name of backgroundServicesOf(config)) {
    const thread = await open(name);
    checks[name] = readiness.checkOf(name, () => thread.isRunning());
  }
}
