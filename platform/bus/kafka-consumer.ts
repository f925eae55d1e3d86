// One member of a consumer group on Kafka: records come from the membership into a queue, by partition in order, and are
// handed over in batches across partitions. Positions are committed lazily; late acknowledgements of partitions that were
// taken away count for nothing.

import type { RecordedEvent } from '#events/envelope.ts';
import { Interrupted } from '../patience/persist.ts';
import { atMost } from '../patience/within.ts';
import { asError } from '../errors.ts';
import { createFifo } from '../fifo.ts';
import type { EventMessages, ReadMessage } from '../kafka/event-message.ts';
import type { LastingAdmin } from '../kafka/lasting-admin.ts';
import type { Log } from '../logging/log.ts';
import { createBell } from '../patience/bell.ts';
import { type Consumer, type ConsumerOptions, type Delivery, MOST_OPEN } from './bus.ts';
import { partitionName } from '../positions.ts';
import { startCheckpointKeeper } from './checkpoint-keeper.ts';
import { createKafkaAssignment, type AssignedPlace } from './kafka-assignment.ts';
import { lagOfGroup, lagOfPlaces } from './kafka-lag.ts';
import type { OpenRecord } from './kafka-progress.ts';
import { startMembership, type Membership, type MembershipOptions } from './kafka-membership.ts';
import { startStallWatch } from './kafka-stall-watch.ts';

const FINAL_COMMIT_MS = 2_000;

/** A record that was fetched and waits to be handed over. */
interface Waiting {
  readonly place: AssignedPlace;
  readonly record: OpenRecord;
  readonly message: ReadMessage;
}

export interface KafkaConsumerParts {
  readonly membership: Pick<MembershipOptions, 'kafka' | 'groupId' | 'silenceMs'>;
  readonly admin: LastingAdmin;
  readonly messages: Pick<EventMessages, 'decode'>;
  readonly read: (event: RecordedEvent) => RecordedEvent;
  readonly generation: string;
  readonly partitions: number;
  readonly physical: (topic: string) => string;
  readonly log: Log;
}

export function startKafkaConsumer(parts: KafkaConsumerParts, options: ConsumerOptions): Consumer {
  const { log, admin } = parts;
  const { group, maxBatch, mostOpen = MOST_OPEN } = options;
  const { groupId } = parts.membership;
  const topics = new Map(options.topics.map((topic) => [parts.physical(topic), topic]));
  const stopping = new AbortController();
  const arrived = createBell();
  const room = createBell();
  const failure = Promise.withResolvers<Error>();
  const queue = createFifo<Waiting>();
  const origins = new WeakMap<Delivery, Waiting>();
  /** Ends the delivery, after what stands before it. */
  let unreadable: Error | undefined;
  let reached = false;

  const keeper = startCheckpointKeeper(commit, log, group);
  const assignment = createKafkaAssignment({
    ...parts,
    groupId,
    consumer: options,
    topics,
    signal: stopping.signal,
    onRecord: (place, record, message) => queue.push({ place, record, message }),
    onMoved() {
      arrived.ring();
      keeper.passed();
    },
    onLost() {
      queue.keep(({ place }) => !place.lost);
      room.ring();
    },
    onUnreadable(err) {
      unreadable ??= err;
      arrived.ring();
    },
    fail,
  });
  const isFull = () => queue.size >= 4 * maxBatch || assignment.open() >= mostOpen;
  const membership: Membership = startMembership({
    ...parts.membership,
    topics: [...topics.keys()],
    log,
    onAssigned: (given) => assignment.give(membership, given),
    onBatch: (batch) => assignment.take(membership, batch),
    onNothing: (nothing) => assignment.pass(nothing),
    isFull,
    room: () => room.wait(),
  });
  void membership.failed.then(fail);
  const watch = startStallWatch({
    places: () => (assignment.ready && queue.size === 0 && !isFull() ? assignment.places() : []),
    admin,
    log,
    onStall: (reason) => membership.replace(reason),
  });

  function acknowledge(delivery: Delivery): void {
    const { place, record } = origins.get(delivery) ?? {};
    if (!place || !record || place.lost) return;
    place.progress.acknowledge(record);
    keeper.acknowledged();
    room.ring();
  }

  /** Reads a batch up to the first record that cannot be read. */
  async function readAll(batch: readonly Waiting[]): Promise<{ deliveries: Delivery[]; error?: unknown }> {
    const read: Delivery[] = [];
    const present = () => read.filter((delivery) => origins.get(delivery)?.place.lost === false);
    for (const item of batch) {
      try {
        const found = parts.messages.decode(item.message);
        const event = parts.read(found instanceof Promise ? await found : found);
        const delivery: Delivery = { event, topic: item.place.topic, partition: item.place.partition };
        origins.set(delivery, item);
        read.push(delivery);
      } catch (error) {
        return { deliveries: present(), error };
      }
    }
    return { deliveries: present() };
  }

  async function deliver(): Promise<void> {
    while (!stopping.signal.aborted) {
      const batch = queue.take(maxBatch);
      if (batch.length === 0) {
        if (unreadable) throw unreadable;
        await arrived.wait();
        continue;
      }
      room.ring();
      const { deliveries, error } = await readAll(batch);
      if (stopping.signal.aborted) return;
      if (deliveries.length > 0) await options.handle(deliveries, acknowledge);
      if (error !== undefined) throw error;
    }
  }

  async function commit(): Promise<void> {
    const changed = assignment
      .places()
      .map((place) => ({ place, ...place.progress.done() }))
      .filter(({ place, offset }) => offset !== place.committed);
    if (changed.length === 0) return;
    const outcome = await membership.commit(
      changed.map(({ place: { physical, partition }, offset, position }) => ({
        topic: physical,
        partition,
        offset: String(offset),
        metadata: String(position),
      })),
    );
    if (outcome === 'done') for (const { place, offset } of changed) place.committed = offset;
    else keeper.passed();
  }

  function fail(err: Error): void {
    if (stopping.signal.aborted) return;
    log.error({ err, group }, 'a consumer stopped by itself');
    failure.resolve(err);
    halt();
  }

  function halt(): void {
    stopping.abort();
    arrived.ring();
    room.ring();
  }

  async function run(): Promise<void> {
    try {
      await deliver();
    } catch (err) {
      if (!(err instanceof Interrupted)) fail(asError(err));
    }
    halt();
    watch.stop();
    await atMost(FINAL_COMMIT_MS, keeper.close());
    await membership.stop();
  }

  const running = run();
  return {
    failed: failure.promise,
    lag: () =>
      assignment.ready ? lagOfPlaces(admin, assignment.places()) : lagOfGroup(admin, groupId, [...topics.keys()]),
    positions: () =>
      new Map(
        assignment
          .places()
          .map(({ topic, partition, progress }) => [partitionName(topic, partition), progress.done().position]),
      ),
    caughtUp() {
      reached ||= assignment.ready && assignment.places().every(({ end, progress }) => progress.done().offset >= end);
      return reached;
    },
    async stop() {
      halt();
      await running;
    },
  };
}
