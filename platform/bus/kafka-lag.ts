import type { LastingAdmin } from '../kafka/lasting-admin.ts';
import type { AssignedPlace } from './kafka-assignment.ts';
import { fetchEnds, fetchHints } from './kafka-places.ts';

/** Records between where the places are done and what a read-committed reader can have; 0 when all is done. */
export async function lagOfPlaces(admin: LastingAdmin, places: readonly AssignedPlace[]): Promise<number> {
  let lag = 0n;
  for (const physical of new Set(places.map((place) => place.physical))) {
    const ends = await admin.use((admin) => fetchEnds(admin, physical));
    for (const { partition, progress } of places.filter((place) => place.physical === physical)) {
      lag += behind(ends.get(partition)?.end, progress.done().offset);
    }
  }
  return Number(lag);
}

/** For a member that has not been given its partitions yet: of all that the group has not committed. */
export async function lagOfGroup(admin: LastingAdmin, groupId: string, topics: readonly string[]): Promise<number> {
  let lag = 0n;
  const hints = await admin.use((admin) => fetchHints(admin, groupId, topics));
  for (const physical of topics) {
    for (const [partition, { low, end }] of await admin.use((admin) => fetchEnds(admin, physical))) {
      lag += behind(end, hints.get(physical)?.get(partition)?.offset ?? low);
    }
  }
  return Number(lag);
}

const behind = (end = 0n, at: bigint): bigint => (end > at ? end - at : 0n);
