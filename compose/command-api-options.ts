import { join } from 'node:path';
import type { CommandApiOptions } from '../command-api/start.ts';
import type { Config } from '#platform/config.ts';
import { readModelManifest } from '#platform/model-host/model-manifest.ts';
import { upstreamFault } from '#platform/net/upstream-fault.ts';
import { modelsFolder } from '#platform/platform.ts';
import { readModelsOf } from '../projectors/read-models.ts';

export const commandApiOptions = ({
  floor,
  standings,
  config,
}: Pick<CommandApiOptions, 'floor' | 'standings'> & { readonly config: Config }): CommandApiOptions => ({
  floor,
  standings,
  manifestOf: (source) => readModelManifest(join(modelsFolder, source)).catch(() => undefined),
  upstreamFault: (source) => upstreamFault(source, config.allowPrivateUpstreams),
  inferenceTimeoutMs: config.inferenceTimeoutMs,
  mostOutstanding: config.maxOutstanding,
  readModels: readModelsOf(config).map(({ name }) => name),
  now: Date.now,
});
