import { join } from 'node:path';
import { PLATFORM } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import type { Config } from '#platform/config.ts';
import type { Log } from '#platform/logging/log.ts';
import type { Ports } from '#platform/platform.ts';
import type { Service } from '#platform/service.ts';
import type { CommandApiOptions } from './start.ts';

const needs = [
  'store',
  'partitionOf',
  'readStore',
  'live',
  'keyring',
  'contents',
  'tokens',
  'serverKey',
  'accessKeys',
  'passwords',
  'attempts',
] as const;

/** What the command API must know of the read side, which it may not see. */
export interface ReadSide {
  readonly readsOf: (
    ports: Pick<Ports, 'store' | 'readStore' | 'live' | 'contents'>,
    log: Log,
  ) => Promise<CommandApiOptions['reads'] & { close(): void }>;
  readonly readModelsOf: (config: Config) => Promise<readonly { readonly name: string }[]>;
}

export const createCommandApiService = ({ readsOf, readModelsOf }: ReadSide): Service<Standing> => ({
  name: 'command-api',
  needs,
  side: 'command',
  async start(use, { config, log, standings }) {
    const ports = await use(needs);
    const { openCommandApi } = await import('./start.ts');
    const { forgetFirstPassword } = await import('./first-admin.ts');
    const { readModelManifest } = await import('#platform/model-host/model-manifest.ts');
    const { upstreamFault } = await import('#platform/net/upstream-fault.ts');
    const { modelsFolder } = await import('#platform/platform.ts');
    const reads = await readsOf(ports, log);
    const api = openCommandApi({
      ports,
      standings: await standings(),
      reads,
      onSignedIn: (userId) => forgetFirstPassword(config.dataDir, userId),
      manifestOf: (source) => readModelManifest(join(modelsFolder, source)).catch(() => undefined),
      upstreamFault: (source, tenantId) => upstreamFault(source, tenantId === PLATFORM || config.allowPrivateUpstreams),
      inferenceTimeoutMs: config.inferenceTimeoutMs,
      mostOutstanding: config.maxOutstanding,
      limitPerKey: config.rateLimitPerKey,
      readModels: (await readModelsOf(config)).map(({ name }) => name),
      log,
      now: Date.now,
    });
    return {
      routes: api.routes,
      waitsFor: () => null,
      lags: {},
      async stop() {
        api.close();
        reads.close();
      },
    };
  },
});
