// Watches what a consumer group is given and says where it broke the bus's promises.

import type { RecordedEvent } from '#events/envelope.ts';
import { type Bus, type Delivery } from '#platform/bus/bus.ts';
import { partitionName, type Positions } from '#platform/positions.ts';

interface PartitionHistory {
  readonly expected: readonly bigint[];
  readonly acknowledged: Set<bigint>;
  /** Index in `expected` of the last one given since the consumer started. */
  last: number | undefined;
  seen: number;
}

/** `log` holds all events, in order: those of the group's topics. */
export function createDeliveryHistory(
  log: readonly RecordedEvent[],
  bus: Bus,
  topicOf: (stream: string) => string | undefined,
) {
  const partitions = new Map<string, PartitionHistory & { expected: bigint[] }>();
  const places = new Set(log.map(({ position }) => position));
  const faults: string[] = [];
  for (const event of log) {
    const topic = topicOf(event.stream) ?? '';
    const name = partitionName(topic, bus.partitionOf(topic, event.stream));
    const of = partitions.get(name) ?? { expected: [], acknowledged: new Set<bigint>(), last: undefined, seen: 0 };
    of.expected.push(event.position);
    partitions.set(name, of);
  }

  const firstOpen = (of: PartitionHistory) => of.expected.findIndex((position) => !of.acknowledged.has(position));

  return {
    faults,
    /** A consumer was started. */
    started() {
      for (const of of partitions.values()) of.last = undefined;
    },
    delivered({ topic, partition, event }: Delivery) {
      const name = partitionName(topic, partition);
      const of = partitions.get(name);
      const index = of?.expected.indexOf(event.position) ?? -1;
      if (!of || index < 0) return faults.push(`${name}: ${event.position} is not an event of this partition`);
      // It may begin again anywhere up to the first event that is not acknowledged; else it goes on, or back.
      const open = firstOpen(of);
      const furthest = Math.max(open < 0 ? of.expected.length : open, of.last === undefined ? 0 : of.last + 1);
      if (index > furthest) faults.push(`${name}: skipped to ${event.position}`);
      of.last = index;
      of.seen = Math.max(of.seen, index + 1);
    },
    acknowledged({ topic, partition, event }: Delivery) {
      partitions.get(partitionName(topic, partition))?.acknowledged.add(event.position);
    },
    /** Positions that were kept, or said to be reached, now. */
    reached(positions: Positions) {
      for (const [name, of] of partitions) {
        const open = of.expected[firstOpen(of)];
        const position = positions.get(name) ?? 0n;
        if (position !== 0n && !places.has(position)) faults.push(`${name}: no event stands at position ${position}`);
        if (open !== undefined && position >= open) faults.push(`${name}: position ${position} passed open ${open}`);
      }
    },
    unseen: () => [...partitions].filter(([, of]) => of.seen < of.expected.length).map(([name]) => name),
    unacknowledged: () => [...partitions].filter(([, of]) => firstOpen(of) >= 0).map(([name]) => name),
  };
}
