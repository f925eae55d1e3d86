// Every service. A new one is its folder and one line here.

import { createCommandApiService, type ReadSide } from '../command-api/service.ts';
import { projectors } from '../projectors/service.ts';
import { createQueryApiService } from '../query-api/service.ts';
import { inferenceWorker } from '../workers/inference/service.ts';
import { mailWorker } from '../workers/mail/service.ts';
import { relay } from '../workers/relay/service.ts';
import type { Standing } from '#events/standing.ts';
import type { Config } from '#platform/config.ts';
import type { Service } from '#platform/service.ts';

export const allServices: readonly Service<Standing>[] = [
  createCommandApiService({ readsOf, readModelsOf }),
  createQueryApiService(readModelsOf),
  projectors,
  inferenceWorker,
  mailWorker,
  relay,
];

async function readModelsOf(config: Config) {
  return (await import('../projectors/read-models.ts')).readModelsOf(config);
}

async function readsOf(...[ports, log]: Parameters<ReadSide['readsOf']>) {
  return (await import('../query-api/start.ts')).openReadsForCommands(ports, log);
}

/** What one process runs on a thread. */
export interface ThreadPlan {
  readonly name: string;
  readonly services: readonly Service<Standing>[];
}

const LIGHT_THREAD = 'light services';

/**
 * The threads of a process that runs all of these: what answers requests stays on the main thread, the light ones share one,
 * each other has its own.
 */
export function threadsOf(all: readonly Service<Standing>[], config: Config): readonly ThreadPlan[] {
  const behind = all.filter(({ side, isWanted }) => side === undefined && (isWanted?.(config) ?? true));
  const light = behind.filter((service) => service.light);
  const alone = behind
    .filter((service) => !service.light)
    .map((service) => ({ name: service.name, services: [service] }));
  return light.length === 0 ? alone : [...alone, { name: LIGHT_THREAD, services: light }];
}
