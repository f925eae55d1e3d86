// The partitions that a member owns now. What a rebalance leaves with it goes on undisturbed; what it takes away is
// forgotten; what is new begins where findPlaces says. What the client fetches is taken only where it follows on what was
// taken before, whatever the client itself thinks that it fetches.

import { Interrupted, persist } from '../patience/persist.ts';
import { asError, StartError } from '../errors.ts';
import { generationOf, positionOf, type ReadMessage } from '../kafka/event-message.ts';
import type { LastingAdmin } from '../kafka/lasting-admin.ts';
import type { Log } from '../logging/log.ts';
import { type ConsumerOptions } from './bus.ts';
import { partitionName } from '../positions.ts';
import type { Assignment, FetchedBatch, Membership } from './kafka-membership.ts';
import { fetchEnds, findPlaces, recordsLost, type Place, type StartPlace } from './kafka-places.ts';
import { createKafkaProgress, type KafkaProgress, type OpenRecord } from './kafka-progress.ts';

export interface AssignedPlace extends StartPlace {
  readonly progress: KafkaProgress;
  /** The offset last committed. */
  committed: bigint;
  /** No longer this member's. */
  lost: boolean;
  /** When something last came, in milliseconds of performance.now(). */
  movedAt: number;
}

export interface KafkaAssignmentOptions {
  readonly groupId: string;
  readonly consumer: Pick<ConsumerOptions, 'group' | 'positions' | 'assigned'>;
  /** On the server, to its name here. */
  readonly topics: ReadonlyMap<string, string>;
  readonly partitions: number;
  /** Of the log; records of another are dropped. */
  readonly generation: string;
  readonly admin: LastingAdmin;
  readonly log: Log;
  /** Aborts when the consumer stops. */
  readonly signal: AbortSignal;
  readonly onRecord: (place: AssignedPlace, record: OpenRecord, message: ReadMessage) => void;
  /** A partition moved on, whatever was in it. */
  readonly onMoved: () => void;
  readonly onLost: () => void;
  /** What stands at this place in a partition cannot be read; nothing after it was taken. */
  readonly onUnreadable: (err: Error) => void;
  readonly fail: (err: Error) => void;
}

export function createKafkaAssignment(options: KafkaAssignmentOptions) {
  const { groupId, consumer, topics, admin, log } = options;
  const { group } = consumer;
  /** By name of the partition on the server; complete once `ready`. */
  const places = new Map<string, AssignedPlace>();
  let ready = false;
  let current = new AbortController();

  const failUnlessInterrupted = (err: unknown) => {
    if (!(err instanceof Interrupted)) options.fail(asError(err));
  };

  const patiently = <T>(work: () => Promise<T>, signal: AbortSignal) =>
    persist(work, AbortSignal.any([signal, options.signal]), (err) =>
      log.warn({ err, group }, 'a consumer cannot go on yet, and tries again'),
    );

  async function begin(membership: Membership, assignment: Assignment, fresh: readonly Place[], signal: AbortSignal) {
    if (fresh.length > 0) {
      const { positions } = consumer;
      const found = await patiently(
        () => admin.use((admin) => findPlaces({ admin, groupId, places: fresh, positions })),
        signal,
      );
      await consumer.assigned?.(fresh.map(({ topic, partition }) => partitionName(topic, partition)));
      if (signal.aborted) return;
      for (const place of found) {
        const progress = createKafkaProgress(place);
        places.set(nameOf(place), { ...place, progress, committed: -1n, lost: false, movedAt: performance.now() });
      }
    }
    if (signal.aborted) return;
    ready = true;
    for (const place of places.values()) {
      place.committed = -1n; // what the client before this one was told to commit may not have arrived
      membership.seek(place.physical, place.partition, place.progress.next);
    }
    membership.resume(assignment);
    log.info({ group, partitions: [...places.keys()] }, 'a consumer was given its partitions');
  }

  /** The client fetched from elsewhere: after an offset out of range, or a fetch that a rebalance overtook. */
  async function goBack(membership: Membership, place: AssignedPlace, from: bigint, signal: AbortSignal) {
    const { physical, partition, progress } = place;
    membership.pause(physical, partition);
    const ends = await patiently(() => admin.use((admin) => fetchEnds(admin, physical)), signal);
    if (signal.aborted) return;
    const low = ends.get(partition)?.low ?? 0n;
    if (progress.next < low) throw recordsLost(groupId, place, progress.next, low);
    log.warn({ group, partition: nameOf(place), from: String(from) }, 'a consumer goes back to where it was');
    membership.seek(physical, partition, progress.next);
    membership.resume(new Map([[physical, [partition]]]));
  }

  function takeIn(place: AssignedPlace, offset: bigint, message: ReadMessage): void {
    if (offset < place.progress.next || generationOf(message) !== options.generation) return;
    const position = positionOf(message);
    const record = place.progress.read(offset, position);
    if (record === 'past') return;
    if (record !== 'repeated') return options.onRecord(place, record, message);
    const where = { group, partition: nameOf(place), offset: String(offset), position: String(position) };
    log.warn(where, 'a record of Kafka repeats an event, and is dropped');
  }

  function move(place: AssignedPlace, next: bigint): void {
    place.progress.readTo(next);
    place.movedAt = performance.now();
    options.onMoved();
  }

  return {
    get ready() {
      return ready;
    },
    /** Of partitions that are still settling only those kept from before. */
    places: (): AssignedPlace[] => [...places.values()],
    /** Records read and not acknowledged. */
    open(): number {
      let open = 0;
      for (const { progress } of places.values()) open += progress.open;
      return open;
    },
    /** The client fetches nothing before this has settled. */
    give(membership: Membership, assignment: Assignment): void {
      current.abort();
      current = new AbortController();
      ready = false;
      const mine = [...assignment].flatMap(([physical, partitions]) =>
        partitions.map((partition): Place => ({ topic: topics.get(physical) ?? physical, physical, partition })),
      );
      const tooMany = mine.find(({ partition }) => partition >= options.partitions);
      if (tooMany) return options.fail(grown(tooMany, options.partitions));
      const names = new Set(mine.map(nameOf));
      for (const [name, place] of places) {
        if (names.has(name)) continue;
        place.lost = true;
        places.delete(name);
      }
      options.onLost();
      const fresh = mine.filter((place) => !places.has(nameOf(place)));
      begin(membership, assignment, fresh, current.signal).catch(failUnlessInterrupted);
    },
    /** True when the batch was taken. */
    take(membership: Membership, { topic, partition, from, next, messages }: FetchedBatch): boolean {
      const place = places.get(partitionName(topic, partition));
      if (!place || !ready || options.signal.aborted) return false;
      if (from !== place.progress.next) {
        goBack(membership, place, from, current.signal).catch(failUnlessInterrupted);
        return false;
      }
      for (const message of messages) {
        try {
          takeIn(place, BigInt(message.offset), message);
        } catch (err) {
          membership.pause(topic, partition);
          log.error({ err, group, partition: nameOf(place), offset: message.offset }, 'a record cannot be read');
          options.onUnreadable(asError(err));
          return false;
        }
      }
      move(place, next);
      return true;
    },
    /** Only records that no reader sees stood from `from` up to `next`. */
    pass({ topic, partition, from, next }: Omit<FetchedBatch, 'messages'>): void {
      const place = places.get(partitionName(topic, partition));
      if (place?.progress.next === from) move(place, next);
    },
  };
}

export const nameOf = ({ physical, partition }: Place): string => partitionName(physical, partition);

const grown = ({ physical }: Place, wanted: number) =>
  new StartError(
    `Kafka's topic ${physical} has more than ${wanted} partitions: their number cannot change once events are there`,
    'wrong-partitions',
  );
