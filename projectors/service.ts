import type { Service } from '#platform/service.ts';

const needs = ['store', 'bus', 'logBus', 'readStore', 'sweepExpired', 'searchIndex', 'live', 'contents'] as const;

/** How often documents that have expired are looked for, and how many are removed at once. */
const SWEEP = { everyMs: 60_000, limit: 5_000 } as const;

/** A consumer group for each read model. */
export const projectors: Service = {
  name: 'projectors',
  needs,
  async start(use, { config, log, consumers, fail }) {
    const { sweepExpired, logBus, ...ports } = await use(needs);
    const { startProjectors } = await import('./start.ts');
    const { readModelsOf } = await import('./read-models.ts');
    const running = await startProjectors({
      ...ports,
      readModels: readModelsOf(config),
      rebuildBus: logBus === ports.bus ? undefined : logBus,
      log,
      observe: {
        applied: (name, { events, milliseconds }) => consumers.handled(name, events, milliseconds / 1_000),
        parked: (name) => consumers.outcome(name, 'parked', 1),
      },
    });
    void running.failed.then(fail);
    const sweeping = setInterval(() => {
      sweepExpired(Date.now(), SWEEP.limit).catch((err: unknown) => {
        log.warn({ err }, 'expired documents could not be removed');
      });
    }, SWEEP.everyMs);
    return {
      lags: Object.fromEntries(running.projections.map((one) => [one.name, () => one.lag()])),
      waitsFor() {
        const behind = running.projections.filter((one) => !one.ready()).map(({ name }) => name);
        return behind.length === 0 ? null : `not caught up, or its store fails: ${behind.join(', ')}`;
      },
      async stop() {
        clearInterval(sweeping);
        await running.stop();
      },
    };
  },
};
