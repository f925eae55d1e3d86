// Where a member begins in the partitions that it is assigned. The offset that the group committed is only a hint: it
// carries the log position of the last event done before it, and is used where the group is at that position or past it.
// Else (the group's own store was restored from older state, or Kafka forgot the offset, as it does after seven idle
// days) the partition is read from its beginning, and what the group is past is dropped by position.

import type { Admin } from 'kafkajs';
import { partitionName, type Positions } from '../positions.ts';
import { finalError } from '../errors.ts';

export interface Place {
  readonly topic: string;
  readonly physical: string;
  readonly partition: number;
}

export interface StartPlace extends Place {
  /** The group is done with events up to this position. */
  readonly past: bigint;
  /** The offset to begin at. */
  readonly from: bigint;
  /** The offset after the last record that a read-committed reader can have, now. */
  readonly end: bigint;
}

/** Records were deleted from Kafka that the group has not read: going on would skip them without a word. */
export class RecordsLost extends finalError('records-lost') {}

export interface Ends {
  readonly low: bigint;
  readonly end: bigint;
}

/** First and next offset of each partition of a topic, by number. kafkajs lists offsets read committed. */
export async function fetchEnds(admin: Admin, physical: string): Promise<ReadonlyMap<number, Ends>> {
  const offsets = await admin.fetchTopicOffsets(physical);
  return new Map(offsets.map(({ partition, low, high }) => [partition, { low: BigInt(low), end: BigInt(high) }]));
}

export interface Hint {
  readonly offset: bigint;
  /** Undefined where another tool set the offset. */
  readonly position: bigint | undefined;
}

/** What the group committed: topic on the server to partition to hint. */
export async function fetchHints(
  admin: Admin,
  groupId: string,
  topics: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, Hint>>> {
  if (topics.length === 0) return new Map();
  const committed = await admin.fetchOffsets({ groupId, topics: [...topics] });
  return new Map(
    committed.map(({ topic, partitions }) => {
      const hints = partitions
        .filter(({ offset }) => !offset.startsWith('-'))
        .map(({ partition, offset, metadata }): [number, Hint] => [
          partition,
          { offset: BigInt(offset), position: /^\d+$/.test(metadata ?? '') ? BigInt(metadata ?? '') : undefined },
        ]);
      return [topic, new Map(hints)];
    }),
  );
}

export interface FindPlacesOptions {
  readonly admin: Admin;
  readonly groupId: string;
  readonly places: readonly Place[];
  /** Of a group that keeps its own. */
  readonly positions: (() => Promise<Positions>) | undefined;
}

/** Rejects with `RecordsLost`. */
export async function findPlaces({ admin, groupId, places, positions }: FindPlacesOptions): Promise<StartPlace[]> {
  const topics = [...new Set(places.map(({ physical }) => physical))];
  const hints = await fetchHints(admin, groupId, topics);
  const ends = new Map(await Promise.all(topics.map(async (topic) => [topic, await fetchEnds(admin, topic)] as const)));
  const own = await positions?.();
  return places.map((place): StartPlace => {
    const { topic, physical, partition } = place;
    const range = ends.get(physical)?.get(partition);
    if (!range) throw new Error(`Kafka does not say where ${physical}/${partition} begins and ends`);
    const { low, end } = range;
    const hint = hints.get(physical)?.get(partition);
    const past = own ? (own.get(partitionName(topic, partition)) ?? 0n) : (hint?.position ?? 0n);
    const from = hint && hint.offset <= end && isUsable(hint, past, own !== undefined) ? hint.offset : low;
    if (from < low) throw recordsLost(groupId, place, from, low);
    return { ...place, past, from, end };
  });
}

const isUsable = ({ position }: Hint, past: bigint, keepsItsOwn: boolean): boolean =>
  !keepsItsOwn || (position !== undefined && position <= past);

export const recordsLost = (groupId: string, { physical, partition }: Place, from: bigint, low: bigint) =>
  new RecordsLost(
    `Kafka no longer has the records ${from} to ${low - 1n} of ${physical}/${partition}, which group ${groupId} has not read`,
  );
