import { join } from 'node:path';
import type { CommandApiOptions } from '../command-api/start.ts';
import type { Config } from '#platform/config.ts';
import type { Log } from '#platform/logging/log.ts';
import { readModelManifest } from '#platform/model-host/model-manifest.ts';
import { upstreamFault } from '#platform/net/upstream-fault.ts';
import { modelsFolder } from '#platform/platform.ts';
import { readModelsOf } from '../projectors/read-models.ts';
import { createReadsForCommands } from '../query-api/start.ts';

export const commandApiOptions = ({
  floor,
  standings,
  config,
  log,
}: Pick<CommandApiOptions, 'floor' | 'standings'> & {
  readonly config: Config;
  readonly log: Log;
}): CommandApiOptions => ({
  floor,
  standings,
  reads: createReadsForCommands(floor, log),
  manifestOf: (source) => readModelManifest(join(modelsFolder, source)).catch(() => undefined),
  upstreamFault: (source) => upstreamFault(source, config.allowPrivateUpstreams),
  inferenceTimeoutMs: config.inferenceTimeoutMs,
  mostOutstanding: config.maxOutstanding,
  readModels: readModelsOf(config).map(({ name }) => name),
  now: Date.now,
});
