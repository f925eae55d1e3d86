// The bus at its worst within its promises, for tests: partitions interleaved and batches split at random, what was
// delivered delivered again (acknowledged or not) from a random point of a partition on, and consumers broken off and
// begun again from the positions they kept. Within a partition order is never changed. Seeded, so that a run can be had again.

import { partitionName } from '../positions.ts';
import type { DeliveryOrder } from './delivery-order.ts';
import type { OpenDelivery } from './group-progress.ts';

export interface AdversarialOptions {
  readonly seed: number;
  /** Chance, before each batch, that a partition goes back; default 0.15. */
  readonly rewind?: number;
  /** Chance, after each batch, that the consumer begins again; default 0.03. */
  readonly restart?: number;
}

const REMEMBERED = 64;

interface Partition {
  waiting: OpenDelivery[];
  delivered: OpenDelivery[];
}

export function createAdversarialOrder(
  { rewind = 0.15, restart = 0.03 }: AdversarialOptions,
  random: () => number,
): DeliveryOrder {
  const partitions = new Map<string, Partition>();
  let waiting = 0;
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = (from: readonly Partition[]) => from[below(from.length)];

  function goBack() {
    const partition = pick([...partitions.values()].filter(({ delivered }) => delivered.length > 0));
    if (!partition) return;
    const again = partition.delivered.splice(below(partition.delivered.length));
    partition.waiting.unshift(...again);
    waiting += again.length;
  }

  function takeOne(): OpenDelivery | undefined {
    const partition = pick([...partitions.values()].filter(({ waiting }) => waiting.length > 0));
    const delivery = partition?.waiting.shift();
    if (!partition || !delivery) return undefined;
    waiting--;
    partition.delivered.push(delivery);
    if (partition.delivered.length > REMEMBERED) partition.delivered.shift();
    return delivery;
  }

  return {
    add(delivery) {
      const name = partitionName(delivery.topic, delivery.partition);
      const partition = partitions.get(name) ?? { waiting: [], delivered: [] };
      partitions.set(name, partition);
      partition.waiting.push(delivery);
      waiting++;
    },
    take(most) {
      if (random() < rewind) goBack();
      const batch: OpenDelivery[] = [];
      for (const size = 1 + below(most); batch.length < size;) {
        const delivery = takeOne();
        if (!delivery) break;
        batch.push(delivery);
      }
      return batch;
    },
    get waiting() {
      return waiting;
    },
    breaksOff: () => random() < restart,
  };
}

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
