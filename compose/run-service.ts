// One service as a process of its own: `node main.ts projectors`. It shares every engine with the others, says from the
// first moment on what it waits for, and goes to work when it is there.

import { DEFAULT_TENANT } from '../command-api/bootstrap.ts';
import { createStartPage } from '../query-api/start-page.ts';
import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { openKeyUses } from '#platform/auth/key-uses.ts';
import { type Config, loadConfig } from '#platform/config.ts';
import { faultsOfAlone } from '#platform/config/engines.ts';
import { asError, NamedError, StartError } from '#platform/errors.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { openHttpServer } from '#platform/http/serve.ts';
import { type Program, runProgram } from '#platform/lifecycle/lifecycle.ts';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';
import { persist } from '#platform/patience/persist.ts';
import { saySeldom } from '#platform/patience/say-seldom.ts';
import { openPlatform, type Platform } from '#platform/platform.ts';
import type { Standings } from '#platform/standing/standings.ts';
import type { Service } from '#platform/service.ts';
import { openAccessTokens } from './access-tokens.ts';
import { eventLanguage } from './event-language.ts';
import { createRequestLimits } from './request-limits.ts';
import { createDocumentation, createMisdirected, createServiceApp } from './service-app.ts';
import { openProcess, type ProcessParts } from './process.ts';
import { openServiceStandings } from './service-standings.ts';
import { expectedStartFaults } from './start-faults.ts';
import { startService } from './start-service.ts';

const OPS_PORT = 9090;
const LOOK_AGAIN_MS = 500;

class NotMigrated extends NamedError {}

export const runService = (service: Service<Standing>) =>
  runProgram((program) => expectedStartFaults(() => start(program, service)));

async function start(program: Program, service: Service<Standing>): Promise<void> {
  const { name, side } = service;
  const config = loadConfig();
  const faults = faultsOfAlone(name, config);
  if (faults.length > 0) throw new StartError(faults, 'bad-configuration');
  program.setGrace(config.shutdownGraceMs);
  const logDir = config.logDir ?? null;
  const parts = await openProcess(program, config, { service: name, logDir, opsPort: config.opsPort ?? OPS_PORT });
  const { logging, metrics, waits } = parts;
  const { log } = logging;
  const platform = await program.open(
    'platform',
    () =>
      openPlatform({
        config,
        events: eventLanguage,
        log,
        metrics,
        waits,
        signal: program.stopping,
        prepared: (store) => migrated(store, parts, program.stopping),
      }),
    (open) => open.close(),
  );
  void platform.failed.then((error) => program.fail('event store', error));
  let shared: Promise<Standings<Standing>> | undefined;
  const standings = () =>
    (shared ??= program.open(
      'standings',
      async () => openServiceStandings(await platform.use(['store', 'readStore', 'live']), log),
      (open) => open.close(),
    ));
  const running = await program.open(
    name,
    () =>
      startService(service, platform.use, {
        config,
        log,
        consumers: createConsumerMetrics(metrics),
        standings,
        fail: (error) => program.fail(name, error),
      }),
    (open) => open.stop(),
  );
  Object.assign(parts.lags, running.lags);
  parts.checks[name] = () => {
    const reason = running.waitsFor();
    if (reason !== null) throw new Error(reason);
  };
  const url = side && (await serve(program, config, parts, platform, await standings(), side, running.routes ?? []));
  parts.started(platform);
  log.info({ url, opsUrl: parts.opsUrl }, 'ready');
  process.stderr.write(`Defter ${name} runs${url === undefined ? '' : ` at ${url}`}; operations at ${parts.opsUrl}\n`);
}

/** Resolves once `migrate` has made what every service needs. */
async function migrated(store: EventStore, { logging, waits }: ProcessParts, signal: AbortSignal): Promise<void> {
  const say = saySeldom(
    (err: Error) => logging.log.warn({ err }, 'waiting until there is something to work on'),
    10_000,
  );
  const look = async () => {
    const [first] = await store.readStream(tenants.stream(DEFAULT_TENANT), { limit: 1 });
    if (!first) throw new NotMigrated('`node main.ts migrate` is to be run');
  };
  await persist(
    look,
    signal,
    (err) => {
      waits.add(err instanceof NotMigrated ? '`node main.ts migrate` to be run' : 'the event store');
      say(asError(err));
    },
    { isHopeless: () => false, waitMs: () => LOOK_AGAIN_MS },
  );
  waits.clear();
}

async function serve(
  program: Program,
  config: Config,
  { logging, metrics }: ProcessParts,
  platform: Pick<Platform, 'use'>,
  standings: Standings<Standing>,
  side: NonNullable<Service['side']>,
  routes: readonly BoundRoute[],
): Promise<string> {
  const { host, port, trustProxy, shutdownGraceMs, checkAnswers } = config;
  const { rates, readStore } = await platform.use(['rates', 'readStore']);
  const keyUses = await program.open(
    'key uses',
    async () => openKeyUses(readStore, logging.log),
    (open) => open.close(),
  );
  const app = createServiceApp({
    routes: [
      ...routes,
      ...(side === 'query' ? [createStartPage(() => server.url), ...createDocumentation()] : []),
      ...createMisdirected(side),
    ],
    standings,
    accessTokens: await openAccessTokens(platform.use),
    keyUses,
    trustProxy,
    ...createRequestLimits(rates, config),
    logging,
    httpMetrics: createHttpMetrics(metrics),
    checkAnswers,
  });
  const server = await program.open(
    'HTTP server',
    () => openHttpServer({ app, host, port, log: logging.log }),
    (open) => open.close(shutdownGraceMs * 0.4),
  );
  return server.url;
}
