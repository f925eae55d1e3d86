// The embedded bus: consumer groups read the event store itself, through the same topics, partitions and key hash as on
// Kafka. In one process one member of a group works and the others wait.

import type { EventStore } from '../event-store/event-store.ts';
import type { Log } from '../logging/log.ts';
import { createAdversarialOrder, seededRandom, type AdversarialOptions } from './adversarial-order.ts';
import type { Bus, Consumer, ConsumerOptions } from './bus.ts';
import { createLogOrder } from './delivery-order.ts';
import type { GroupCheckpoints } from './group-checkpoints.ts';
import { createGroupTurns } from './group-turns.ts';
import { startLogConsumer } from './log-consumer.ts';
import { createPartitionOf, murmur2 } from './partition.ts';

export interface LogBusOptions {
  readonly store: Pick<EventStore, 'subscribeAll' | 'readAll' | 'head' | 'generation'>;
  /** undefined for a stream that this program does not know: its consumers stop with `LogIsNewer`. */
  readonly topicOf: (stream: string) => string | undefined;
  /** What the streams of topics begin with; undefined, or left out, where all events are wanted. */
  readonly categoriesOf?: (topics: readonly string[]) => ReadonlySet<string> | undefined;
  /** Partitions of each topic. */
  readonly partitions: number;
  /** The stream itself, if left out. */
  readonly partitionKeyOf?: (stream: string) => string;
  readonly checkpoints: GroupCheckpoints;
  readonly log: Log;
  readonly mode?: 'normal' | AdversarialOptions;
}

export function openLogBus(options: LogBusOptions): Bus {
  const { store, topicOf, categoriesOf, partitions, partitionKeyOf, checkpoints, log, mode = 'normal' } = options;
  const turns = createGroupTurns();
  const consumers = new Set<Consumer>();
  const partitionOf = createPartitionOf(partitions, partitionKeyOf);

  function createOrderOf(group: string) {
    if (mode === 'normal') return createLogOrder;
    // One sequence for all of a group's sessions: each goes wrong in its own way.
    const random = seededRandom(mode.seed ^ murmur2(Buffer.from(group)));
    return () => createAdversarialOrder(mode, random);
  }

  return {
    consume(consumerOptions: ConsumerOptions) {
      const { group, topics, positions } = consumerOptions;
      const only = categoriesOf?.(topics);
      // Positions in another generation of the log mean nothing in this one.
      const kept = `${group}@${store.generation}`;
      const consumer = startLogConsumer(
        {
          subscribe: (after, signal, passed) => store.subscribeAll(after, signal, { ...(only && { only }), passed }),
          readAll: (after, limit) => store.readAll(after, limit),
          head: () => store.head(),
          topicOf,
          partitionOf,
          partitions,
          load: positions ?? (() => checkpoints.load(kept)),
          save: positions ? undefined : (now) => checkpoints.save(kept, now),
          takeTurn: (signal) => turns.take(group, signal),
          createOrder: createOrderOf(group),
          log,
        },
        consumerOptions,
      );
      consumers.add(consumer);
      return Promise.resolve({
        ...consumer,
        stop: async () => {
          await consumer.stop();
          consumers.delete(consumer);
        },
      });
    },
    partitionOf,
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
      consumers.clear();
    },
  };
}
