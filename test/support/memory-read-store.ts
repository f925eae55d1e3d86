// The read store's rules in memory, for tests that need no disk.

import type { Positions } from '#platform/positions.ts';
import type { ReadStore, StoredDocument } from '#platform/read-store/read-store.ts';

export function createMemoryReadStore(now: () => number = Date.now): ReadStore {
  const documents = new Map<string, StoredDocument & { readonly expiresAt: number }>();
  const sets = new Map<string, Map<string, number>>();
  const counters = new Map<string, number>();
  const positions = new Map<string, Map<string, bigint>>();
  const kept = new Map<string, unknown>();

  const setOf = (name: string) => {
    const set = sets.get(name) ?? new Map<string, number>();
    sets.set(name, set);
    return set;
  };

  return {
    async get(keys) {
      return keys.map((key) => {
        if (kept.has(key)) return { value: structuredClone(kept.get(key)), revision: -1 };
        const document = documents.get(key);
        if (!document || document.expiresAt <= now()) return undefined;
        return { value: structuredClone(document.value), revision: document.revision };
      });
    },
    async range(set, { limit, reverse = false, after }) {
      const compare = (a: { score: number; member: string }, b: { score: number; member: string }) =>
        a.score - b.score || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0);
      const sign = reverse ? -1 : 1;
      return [...setOf(set)]
        .map(([member, score]) => ({ member, score }))
        .sort((a, b) => sign * compare(a, b))
        .filter((entry) => !after || sign * compare(entry, after) > 0)
        .slice(0, limit);
    },
    sizes: async (names) => names.map((name) => setOf(name).size),
    async counters(names) {
      return names.map((name) => counters.get(name) ?? 0);
    },
    async apply(writes, checkpoint) {
      const advanced = new Set<string>();
      for (const { key, revision, value, base, expiresAt = Infinity, members = [], counts = [] } of writes) {
        const before = documents.get(key);
        if (base !== undefined && base !== (before && before.expiresAt > now() ? before.revision : -1)) continue;
        if (before && before.revision >= revision) continue;
        documents.set(key, { value: structuredClone(value), revision, expiresAt });
        advanced.add(key);
        for (const { set, member, score } of members) {
          if (score === null) setOf(set).delete(member);
          else setOf(set).set(member, score);
        }
        for (const { counter, by } of counts) counters.set(counter, (counters.get(counter) ?? 0) + by);
      }
      if (checkpoint) {
        const mine = positions.get(checkpoint.projection) ?? new Map<string, bigint>();
        for (const [partition, position] of checkpoint.positions) {
          if (position > (mine.get(partition) ?? -1n)) mine.set(partition, position);
        }
        positions.set(checkpoint.projection, mine);
      }
      return advanced;
    },
    async positions(projection): Promise<Positions> {
      return new Map(positions.get(projection));
    },
    async keys(prefix, limit) {
      return [...kept.keys()]
        .filter((key) => key.startsWith(prefix))
        .sort()
        .slice(0, limit);
    },
    async put(key, value) {
      kept.set(key, structuredClone(value));
    },
    async remove(key) {
      kept.delete(key);
    },
    async scan(prefix, { limit, cursor = '' }) {
      const found = [...documents]
        .filter(([key, { expiresAt }]) => key.startsWith(prefix) && key > cursor && expiresAt > now())
        .map(([key, { value, revision }]) => ({ key, value: structuredClone(value), revision }))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
        .slice(0, limit);
      const last = found.at(-1);
      return found.length === limit && last ? { documents: found, cursor: last.key } : { documents: found };
    },
    async drop(prefix, limit) {
      let removed = 0;
      for (const map of [documents, sets, counters, positions, kept]) {
        for (const name of map.keys()) {
          if (removed < limit && name.startsWith(prefix) && map.delete(name)) removed++;
        }
      }
      return removed;
    },
    async close() {},
  };
}
