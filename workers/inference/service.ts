import type { Standing } from '#events/standing.ts';
import type { Service } from '#platform/service.ts';

export const GROUP = 'workers.inference';

const needs = ['store', 'bus', 'readStore', 'live', 'keyring', 'contents', 'models'] as const;

export const inferenceWorker: Service<Standing> = {
  name: 'workers:inference',
  group: GROUP,
  needs,
  async start(use, { config, log, standings, fail }) {
    const { models, keyring, ...ports } = await use(needs);
    const { startInferenceWorker } = await import('./start.ts');
    const { readVariable } = await import('#platform/config.ts');
    const worker = await startInferenceWorker({
      ...ports,
      standings: await standings(),
      shared: config.kafkaBrokers !== undefined,
      host: models,
      readSecret: (secretId, tenantId) => keyring.readSecret(secretId, tenantId),
      environment: (name) => readVariable(name),
      allowPrivateUpstreams: config.allowPrivateUpstreams,
      // As many as the APIs let in (command-api/fair-share.ts).
      window: 2 * config.maxOutstanding,
      now: Date.now,
      log,
    });
    void worker.failed.then(fail);
    return {
      lags: { [GROUP]: () => worker.lag() },
      waitsFor: () => (worker.caughtUp() ? null : 'not caught up'),
      stop: () => worker.stop(),
    };
  },
};
