import type { ReadMessage } from '../kafka/event-message.ts';
import type { AssignedPlace } from './kafka-assignment.ts';
import type { OpenRecord } from './kafka-progress.ts';

/** A record that was fetched and waits to be handed over. */
export interface Waiting {
  readonly place: AssignedPlace;
  readonly record: OpenRecord;
  readonly message: ReadMessage;
}

/** First in, first out; what belongs to a partition that was taken away is dropped. */
export function createKafkaQueue() {
  let waiting: Waiting[] = [];
  let taken = 0;
  return {
    add: (item: Waiting) => void waiting.push(item),
    take(most: number): Waiting[] {
      const batch = waiting.slice(taken, taken + most);
      taken += batch.length;
      if (taken === waiting.length) {
        waiting = [];
        taken = 0;
      } else if (taken >= 4_096) {
        waiting = waiting.slice(taken);
        taken = 0;
      }
      return batch;
    },
    dropLost(): void {
      waiting = waiting.slice(taken).filter(({ place }) => !place.lost);
      taken = 0;
    },
    get size() {
      return waiting.length - taken;
    },
  };
}
