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
  let queue: OpenDelivery[] = [];
  let next = 0;
  return {
    add(delivery) {
      queue.push(delivery);
    },
    take(most) {
      const batch = queue.slice(next, next + most);
      next += batch.length;
      if (next === queue.length) {
        queue = [];
        next = 0;
      } else if (next >= 4_096) {
        queue = queue.slice(next);
        next = 0;
      }
      return batch;
    },
    get waiting() {
      return queue.length - next;
    },
    breaksOff: () => false,
  };
}
