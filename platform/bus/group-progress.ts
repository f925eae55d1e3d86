// How far a consumer group is, per partition: pure bookkeeping. An event is open from when it is read until it is
// acknowledged; a partition is done up to the event that stands before its first open one in the log, and without an open
// one up to where the log was read. A position is always that of an event (0 before the first), never computed: an engine
// whose positions are places in its files refuses to begin between two events.

import type { RecordedEvent } from '#events/envelope.ts';
import { type Delivery } from './bus.ts';
import { createFifo, type Fifo } from '../fifo.ts';
import { partitionName, type Positions } from '../positions.ts';

/** An event of one partition on its way through a group. */
export interface OpenDelivery extends Delivery {
  /** The position of the event that was read before it: its partition is done up to there while this one is the first open. */
  readonly previous: bigint;
  acknowledged: boolean;
}

interface Partition {
  /** Events up to this one were done when this began: they are dropped. */
  readonly past: bigint;
  /** From the first one not acknowledged on. */
  readonly open: Fifo<OpenDelivery>;
}

export interface GroupProgress {
  /** Takes note of an event that was read, before `readTo` is told of it; undefined when its partition is past it. */
  read(event: RecordedEvent, topic: string, partition: number): OpenDelivery | undefined;
  /** Says that the log was read up to this event, whoever's it was. */
  readTo(position: bigint): void;
  acknowledge(delivery: OpenDelivery): void;
  /** Up to where the log was read. */
  readonly position: bigint;
  /** Events read and not acknowledged. */
  readonly open: number;
  positions(): Positions;
  /** The lowest of the positions: nothing at or before it need be read again. */
  lowest(): bigint;
}

/** `positions` holds the event up to which each partition was done; one that it does not name begins at the beginning. */
export function createGroupProgress(
  topics: readonly string[],
  partitionsPerTopic: number,
  positions: Positions,
): GroupProgress {
  const byTopic = new Map<string, Partition[]>();
  let position: bigint | undefined;
  for (const topic of topics) {
    const partitions = Array.from({ length: partitionsPerTopic }, (_, number): Partition => {
      const past = positions.get(partitionName(topic, number)) ?? 0n;
      if (position === undefined || past < position) position = past;
      return { past, open: createFifo() };
    });
    byTopic.set(topic, partitions);
  }
  let readTo = position ?? 0n;
  let open = 0;

  const doneTo = ({ past, open }: Partition): bigint => {
    const reached = open.first?.previous ?? readTo;
    return reached > past ? reached : past;
  };

  return {
    read(event, topic, partition) {
      const place = byTopic.get(topic)?.[partition];
      if (!place || event.position <= place.past) return undefined;
      const delivery: OpenDelivery = { event, topic, partition, previous: readTo, acknowledged: false };
      place.open.push(delivery);
      open++;
      return delivery;
    },
    readTo(position) {
      if (position > readTo) readTo = position;
    },
    acknowledge(delivery) {
      const place = byTopic.get(delivery.topic)?.[delivery.partition];
      if (!place || delivery.acknowledged) return;
      delivery.acknowledged = true;
      open--;
      while (place.open.first?.acknowledged) place.open.drop();
    },
    get position() {
      return readTo;
    },
    get open() {
      return open;
    },
    positions() {
      const now = new Map<string, bigint>();
      for (const [topic, partitions] of byTopic) {
        partitions.forEach((partition, number) => now.set(partitionName(topic, number), doneTo(partition)));
      }
      return now;
    },
    lowest() {
      let lowest = readTo;
      for (const partitions of byTopic.values()) {
        for (const partition of partitions) {
          const done = doneTo(partition);
          if (done < lowest) lowest = done;
        }
      }
      return lowest;
    },
  };
}
