import type { Bus, ConsumerOptions, Delivery } from '#platform/bus/bus.ts';

/** Hands over a log in memory as fast as it is taken. */
export function createMemoryBus(deliveries: readonly Delivery[], maxBatch: number, done: () => void): Bus {
  const consume = async ({ handle }: ConsumerOptions) => {
    const failure = Promise.withResolvers<Error>();
    void (async () => {
      for (let from = 0; from < deliveries.length; from += maxBatch) {
        await handle(deliveries.slice(from, from + maxBatch), () => undefined);
      }
      done();
    })().catch(failure.resolve);
    const nothing = new Map<string, bigint>();
    return {
      failed: failure.promise,
      lag: async () => 0,
      positions: () => nothing,
      caughtUp: () => true,
      position: () => undefined,
      stop: async () => undefined,
    };
  };
  return { consume, partitionOf: () => 0, close: async () => undefined };
}
