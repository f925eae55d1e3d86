import { createFifo } from '../fifo.ts';
import type { OpenDelivery } from './group-progress.ts';

/** Events that were read and wait to be handed over; decides which come next. */
export interface DeliveryOrder {
  add(delivery: OpenDelivery): void;
  /** The next batch; empty when nothing waits. */
  take(most: number): OpenDelivery[];
  readonly waiting: number;
  /** Asked after each batch: whether the group begins again from the positions it has kept. */
  breaksOff(): boolean;
}

/** Hands events over as they stand in the log. */
export function createLogOrder(): DeliveryOrder {
  const queue = createFifo<OpenDelivery>();
  return {
    add: (delivery) => queue.push(delivery),
    take: (most) => queue.take(most),
    get waiting() {
      return queue.size;
    },
    breaksOff: () => false,
  };
}
