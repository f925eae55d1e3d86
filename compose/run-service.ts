// One service as a process of its own: `node main.ts projectors`. It shares every engine with the others, says from the
// first moment on what it waits for, and goes to work when it is there.

import { setTimeout as sleep } from 'node:timers/promises';
import { openCommandApi } from '../command-api/start.ts';
import { createStartPage } from '../query-api/start-page.ts';
import { readModelsOf } from '../projectors/read-models.ts';
import { createQueryApi } from '../query-api/start.ts';
import { DEFAULT_TENANT } from '../command-api/bootstrap.ts';
import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { type Config, loadConfig } from '#platform/config.ts';
import { faultsOfAlone } from '#platform/config/engines.ts';
import { asError, StartError } from '#platform/errors.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { openHttpServer } from '#platform/http/serve.ts';
import { type Program, runProgram } from '#platform/lifecycle/lifecycle.ts';
import { createMeasuredEventStore } from '#platform/metrics/event-store-metrics.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';
import { type Floor, openMainPlatform, type Ports } from '#platform/platform.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { startBackground } from './background-services.ts';
import { commandApiOptions } from './command-api-options.ts';
import { eventLanguage } from './event-language.ts';
import { createDocumentation, createMisdirected, createServiceApp } from './service-app.ts';
import { openProcess, type ProcessParts } from './process.ts';
import { createServiceStandings } from './service-standings.ts';
import { API_SERVICES, type ApiService, type BackgroundService, type ServiceName } from './service-wiring.ts';
import { expectedStartFaults } from './start-faults.ts';

const OPS_PORT = 9090;
const LOOK_AGAIN_MS = 500;
const WARN_EVERY_MS = 10_000;

export const runService = (service: ServiceName) =>
  runProgram((program) => expectedStartFaults(() => start(program, service)));

async function start(program: Program, service: ServiceName): Promise<void> {
  const config = loadConfig();
  const faults = faultsOfAlone(service, config);
  if (faults.length > 0) throw new StartError(faults, 'bad-configuration');
  program.setGrace(config.shutdownGraceMs);
  const opsPort = config.opsPort ?? OPS_PORT;
  const parts = await openProcess(program, config, { service, logDir: config.logDir ?? null, opsPort });
  const { log } = parts.logging;

  const open = async <const Need extends keyof Ports>(needs: readonly Need[]) => {
    const options = {
      config,
      events: eventLanguage,
      log,
      waits: parts.waits,
      signal: program.stopping,
      prepared: (store: EventStore) => migrated(store, parts, program.stopping),
    };
    const opened = await program.open(
      'platform',
      () => openMainPlatform(options, needs),
      (floor) => floor.close(),
    );
    void opened.failed.then((error) => program.fail('event store', error));
    const floor = { ...opened, store: createMeasuredEventStore(opened.store, parts.metrics) };
    floorHealth = opened.health;
    return floor;
  };
  let floorHealth: Floor['health'] = {};

  const url = isApi(service)
    ? await openApi[service](program, config, parts, open)
    : await openBackground(program, service, config, parts, open);
  parts.started({ health: floorHealth });
  log.info({ url, opsUrl: parts.opsUrl }, 'ready');
  process.stderr.write(`Defter ${service} runs${url ? ` at ${url}` : ''}; operations at ${parts.opsUrl}\n`);
}

const isApi = (service: ServiceName): service is ApiService => (API_SERVICES as readonly string[]).includes(service);

/** Resolves once `migrate` has made what every service needs. */
async function migrated(store: EventStore, { logging, waits }: ProcessParts, signal: AbortSignal): Promise<void> {
  const isThere = async () => (await store.readStream(tenants.stream(DEFAULT_TENANT), { limit: 1 })).length > 0;
  let warnedAt = -Infinity;
  for (;;) {
    const there = await isThere().catch((err: unknown) => asError(err));
    if (there === true) break;
    waits.add(there === false ? '`node main.ts migrate` to be run' : 'the event store');
    if (performance.now() - warnedAt > WARN_EVERY_MS) {
      warnedAt = performance.now();
      if (there === false) logging.log.warn({}, 'waiting for `node main.ts migrate` to be run');
      else logging.log.warn({ err: there }, 'waiting for the event store');
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
  waits.clear();
}

type OpenFloor = <const Need extends keyof Ports>(needs: readonly Need[]) => Promise<Floor & Pick<Ports, Need>>;
type OpenApi = (program: Program, config: Config, parts: ProcessParts, open: OpenFloor) => Promise<string>;

const openCommandService: OpenApi = async (program, config, parts, open) => {
  const floor = await open(['readStore', 'live', 'keyring', 'contents', 'tokens', 'serverKey']);
  const standings = createServiceStandings(floor);
  const api = await program.open(
    'command API',
    () => openCommandApi(commandApiOptions({ floor, standings, config, log: parts.logging.log })),
    (opened) => opened.close(),
  );
  return serve(program, config, parts, standings, () => [...api.routes, ...createMisdirected('command')]);
};

const openQueryService: OpenApi = async (program, config, parts, open) => {
  const floor = await open(['readStore', 'searchIndex', 'live', 'contents', 'tokens']);
  const standings = createServiceStandings(floor);
  return serve(program, config, parts, standings, (urlOf) => [
    ...createQueryApi({
      floor,
      standings,
      readModels: readModelsOf(config),
      log: parts.logging.log,
      now: Date.now,
    }),
    createStartPage(urlOf),
    ...createDocumentation(),
    ...createMisdirected('query'),
  ]);
};

const openApi: Readonly<Record<ApiService, OpenApi>> = {
  'command-api': openCommandService,
  'query-api': openQueryService,
};

async function serve(
  program: Program,
  { host, port, shutdownGraceMs, checkAnswers }: Config,
  { logging, metrics }: ProcessParts,
  standings: Standings<Standing>,
  routesOf: (urlOf: () => string) => readonly BoundRoute[],
): Promise<string> {
  const httpMetrics = createHttpMetrics(metrics);
  const app = createServiceApp({ routes: routesOf(() => server.url), standings, logging, httpMetrics, checkAnswers });
  const server = await program.open(
    'HTTP server',
    () => openHttpServer({ app, host, port, log: logging.log }),
    (open) => open.close(shutdownGraceMs * 0.6),
  );
  return server.url;
}

async function openBackground(
  program: Program,
  service: BackgroundService,
  config: Config,
  { logging, metrics, checks, lags }: ProcessParts,
  open: OpenFloor,
): Promise<undefined> {
  const fail = (error: Error) => program.fail(service, error);
  const running = await program.open(
    service,
    () => startBackground[service](open, config, { log: logging.log, metrics, fail }),
    (started) => started.stop(),
  );
  Object.assign(lags, running.lags);
  checks[service] = () => {
    const reason = running.waitsFor();
    if (reason !== null) throw new Error(reason);
  };
}
