// What a read store should hold, said as plainly as possible.

import type { Checkpoint, DocumentWrite, StoredDocument } from '#platform/read-store/read-store.ts';

export type ReadModel = ReturnType<typeof createReadModel>;

export const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

export function createReadModel() {
  const documents = new Map<string, StoredDocument>();
  const sets = new Map<string, Map<string, number>>();
  const counters = new Map<string, number>();
  const positions = new Map<string, bigint>();

  function write({ key, revision, value, base, members = [], counts = [] }: DocumentWrite): boolean {
    if (base !== undefined && base !== (documents.get(key)?.revision ?? -1)) return false;
    if (revision <= (documents.get(key)?.revision ?? -1)) return false;
    documents.set(key, { value: JSON.parse(JSON.stringify(value)), revision });
    for (const { set, member, score } of members) {
      const entries = sets.get(set) ?? new Map<string, number>();
      sets.set(set, entries);
      if (score === null) entries.delete(member);
      else entries.set(member, score);
    }
    for (const { counter, by } of counts) counters.set(counter, (counters.get(counter) ?? 0) + by);
    return true;
  }

  return {
    documents,
    sets,
    counters,
    positions,
    apply(writes: readonly DocumentWrite[], checkpoint?: Checkpoint): Set<string> {
      const advanced = new Set(writes.filter(write).map(({ key }) => key));
      for (const [partition, position] of checkpoint?.positions ?? []) {
        if (position > (positions.get(partition) ?? -1n)) positions.set(partition, position);
      }
      return advanced;
    },
  };
}
