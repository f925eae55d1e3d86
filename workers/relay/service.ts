import { topicOf } from '#events/aggregates.ts';
import type { Service } from '#platform/service.ts';

export const GROUP = 'workers.relay';

const needs = ['store', 'relayTarget', 'partitionOf'] as const;

/** Without Kafka nothing is relayed: an embedded bus reads the log itself. */
export const relay: Service = {
  name: 'workers:relay',
  group: GROUP,
  needs,
  isWanted: ({ kafkaBrokers }) => kafkaBrokers !== undefined,
  async start(use, { log, consumers, fail }) {
    const { store, relayTarget: target, partitionOf } = await use(needs);
    const { startRelay } = await import('./start.ts');
    const running = startRelay({
      store,
      target,
      topicOf,
      partitionOf,
      log,
      observe: { relayed: (events, milliseconds) => consumers.handled(GROUP, events, milliseconds / 1_000) },
    });
    void running.failed.then(fail);
    return {
      lags: { [GROUP]: () => running.lag() },
      waitsFor: () => running.waitsFor(),
      stop: () => running.stop(),
    };
  },
};
