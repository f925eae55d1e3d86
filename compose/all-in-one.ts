// Everything in one process, on one port: the default, and all that one machine needs.

import { join } from 'node:path';
import { createStartPage } from '../query-api/start-page.ts';
import { createQueryApi } from '../query-api/start.ts';
import { createBanner } from '../cli/banner.ts';
import { createFirstTenants, registerPlatformModel } from '../command-api/bootstrap.ts';
import { discoverModels, type Upstream } from '../command-api/discover-models.ts';
import { makeFirstKey } from '../command-api/first-key.ts';
import { builtInDefinition } from '../command-api/models/definition.ts';
import { openCommandApi } from '../command-api/start.ts';
import { type Config, describeConfig, loadConfig } from '#platform/config.ts';
import type { ReadinessCheck } from '#platform/http/ops-routes.ts';
import { openHttpServer } from '#platform/http/serve.ts';
import { openDataFolder } from '#platform/lifecycle/data-folder.ts';
import { type Program, runProgram } from '#platform/lifecycle/lifecycle.ts';
import { startServiceThread } from '#platform/lifecycle/service-thread.ts';
import { superviseThread } from '#platform/lifecycle/supervise-thread.ts';
import { pinSettings } from '#platform/lifecycle/pinned-settings.ts';
import type { Log } from '#platform/logging/log.ts';
import { type Logging, openLogging } from '#platform/logging/open-logging.ts';
import { createMeasuredEventStore } from '#platform/metrics/event-store-metrics.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';
import { createMetricsCollection, type MetricsCollection } from '#platform/metrics/metrics-collection.ts';
import { createThreadMetrics } from '#platform/metrics/thread-metrics.ts';
import { readModelManifest } from '#platform/model-host/model-manifest.ts';
import { upstreamFault } from '#platform/net/upstream-fault.ts';
import { discoverOpenAi, type MainPlatform, modelsFolder, openMainPlatform } from '#platform/platform.ts';
import { eventLanguage } from './event-language.ts';
import { createServiceApp } from './http-app.ts';
import { watchReadiness } from './readiness.ts';
import { createCommandersStandings } from './service-standings.ts';
import { BACKGROUND_SERVICES, type BackgroundService, type ServiceWiring } from './service-wiring.ts';
import { expectedStartFaults } from './start-faults.ts';

/** The models that come with the program, by their folders. */
const BUILT_IN = ['language-id', 'tiny-writer'] as const;
const OPENAI_LIST_MS = 5_000;
const OLLAMA_LIST_MS = 300;

export const runAllInOne = () => runProgram((program) => expectedStartFaults(() => start(program)));

async function start(program: Program): Promise<void> {
  const startedAt = performance.now();
  const config = loadConfig();
  program.setGrace(config.shutdownGraceMs);
  await program.open(
    'data folder',
    () => openDataFolder(config.dataDir),
    (folder) => folder.close(),
  );
  pinSettings(config.dataDir, { PARTITIONS: String(config.partitions) });
  const logging = await program.open(
    'logging',
    () => openConfiguredLogging(config),
    (open) => open.close(),
  );
  program.logTo(logging);
  const { log } = logging;
  log.info({ config: describeConfig(config) }, 'starting');

  const metrics = createThreadMetrics('main');
  const collection = createMetricsCollection(metrics);
  const opened = await program.open(
    'platform',
    () => openMainPlatform({ config, events: eventLanguage, log }),
    (open) => open.close(),
  );
  const platform = { ...opened, store: createMeasuredEventStore(opened.store, metrics) };
  void platform.failed.then((error) => program.fail('event store', error));
  const standings = createCommandersStandings(platform);
  await createFirstTenants({ ...platform, standings, now: Date.now });
  const firstKey = await makeFirstKey({
    store: platform.store,
    standings,
    apiKey: config.apiKey,
    dataDir: config.dataDir,
    shown: process.stdout.isTTY,
  });
  await registerBuiltIns(platform, standings);

  const checks = await openServices(program, config, platform, logging, collection);
  const commandApi = await program.open(
    'command API',
    () =>
      openCommandApi({
        platform,
        standings,
        manifestOf: (source) => readModelManifest(join(modelsFolder, source)).catch(() => undefined),
        upstreamFault: (source) => upstreamFault(source, config.allowPrivateUpstreams),
        inferenceTimeoutMs: config.inferenceTimeoutMs,
        mostOutstanding: config.maxOutstanding,
        now: Date.now,
      }),
    (open) => open.close(),
  );
  const app = createServiceApp({
    routes: [
      ...commandApi.routes,
      ...createQueryApi({ platform, standings, log, now: Date.now }),
      createStartPage(() => server.url),
    ],
    standings,
    checks,
    logging,
    metrics: collection,
    httpMetrics: createHttpMetrics(metrics),
    metricsToken: config.metricsToken,
    checkAnswers: config.checkAnswers,
  });
  const server = await program.open(
    'HTTP server',
    () => openHttpServer({ app, host: config.host, port: config.port, log }),
    (open) => open.close(config.shutdownGraceMs * 0.6),
  );
  const discovered = config.discover ? await discover(config, { store: platform.store, standings, log }) : [];
  log.info({ url: server.url }, 'ready');
  const isTerminal = process.stdout.isTTY;
  const startedInMs = performance.now() - startedAt;
  const facts = { url: server.url, firstKey, isTerminal, dataDir: config.dataDir, discovered, startedInMs };
  process.stderr.write(`${createBanner(facts)}\n`);
}

const openConfiguredLogging = (config: Config) =>
  openLogging({
    service: 'defter',
    level: config.logLevel,
    dir: config.logDir,
    rotation: { maxBytes: config.logMaxBytes, files: config.logFiles, maxAgeMs: config.logMaxAge },
  });

async function registerBuiltIns(platform: MainPlatform, standings: ReturnType<typeof createCommandersStandings>) {
  for (const name of BUILT_IN) {
    const manifest = await readModelManifest(join(modelsFolder, name));
    await registerPlatformModel({ store: platform.store, standings }, builtInDefinition(name, name, manifest), ['*']);
  }
}

/** Each on a thread of its own, started anew when it fails. */
async function openServices(
  program: Program,
  config: Config,
  platform: MainPlatform,
  logging: Logging,
  metrics: MetricsCollection,
) {
  const open = (service: BackgroundService) =>
    program.open(
      service,
      () =>
        superviseThread(
          (signal) => {
            const { wiring: thread, transfer } = platform.connect();
            const wiring: ServiceWiring = { service, config, thread };
            const module = new URL('../main.ts', import.meta.url);
            return startServiceThread({ name: service, module, wiring, transfer, logging, metrics, signal });
          },
          { log: logging.log },
        ),
      (thread) => thread.stop(config.shutdownGraceMs * 0.8),
    );
  const readiness = watchReadiness(platform.live);
  const checks: Record<string, ReadinessCheck> = {};
  for (const name of BACKGROUND_SERVICES) {
    const thread = await open(name);
    checks[name] = readiness.checkOf(name, () => thread.isRunning());
  }
  return checks;
}

function discover(config: Config, ports: Parameters<typeof discoverModels>[0] & { readonly log: Log }) {
  const { openaiApiKey, openaiUpstreamUrl, ollamaUrl } = config;
  const list = (baseUrl: string, timeoutMs: number, secret?: string) => () =>
    discoverOpenAi({ baseUrl, timeoutMs, log: ports.log, ...(secret !== undefined && { secret }) });
  const upstreams: Upstream[] = [
    { title: 'Ollama', baseUrl: ollamaUrl, variable: undefined, list: list(ollamaUrl, OLLAMA_LIST_MS) },
  ];
  if (openaiApiKey !== undefined)
    upstreams.push({
      title: new URL(openaiUpstreamUrl).host,
      baseUrl: openaiUpstreamUrl,
      variable: 'OPENAI_API_KEY',
      list: list(openaiUpstreamUrl, OPENAI_LIST_MS, openaiApiKey),
    });
  return discoverModels(ports, upstreams);
}
