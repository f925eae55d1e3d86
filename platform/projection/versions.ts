// A projection has versions 1, 2, …: each has data under names of its own, so that one is built beside the other. These
// wrappers give a version its names; targets and queries know nothing of it.

import type { ReadStore } from '../read-store/read-store.ts';
import type { IndexDefinition } from '../search-index/search-index.ts';
import type { Projection } from './projection.ts';

/** Also the version's consumer group, and its live channel (`projection:<name>.<version>`). */
export const versionName = (projection: string, version: number) => `${projection}.${version}`;

/** What stands before each name of a version in the read store. */
export const versionPrefix = (projection: string, version: number) => `${versionName(projection, version)}|`;

export const versionIndex = (index: string, version: number) => `${index}-${version}`;

/** The very projection, under the names of a version. */
export function versionOf(projection: Projection, version: number): Projection {
  const name = versionName(projection.name, version);
  if (projection.kind === 'document') return { ...projection, name };
  return { ...projection, name, index: definitionOf(projection.index, version) };
}

export const definitionOf = (index: IndexDefinition, version: number): IndexDefinition => ({
  ...index,
  name: versionIndex(index.name, version),
});

/** What read models need of the read store. */
export type Documents = Pick<ReadStore, 'get' | 'range' | 'sizes' | 'counters' | 'apply' | 'positions' | 'scan'>;

/** The documents, sets, counters and positions of one version. */
export function versionDocuments(store: Documents, projection: string, version: number): Documents {
  const prefix = versionPrefix(projection, version);
  const named = (name: string) => prefix + name;
  return {
    get: (keys) => store.get(keys.map(named)),
    range: (set, options) => store.range(named(set), options),
    sizes: (sets) => store.sizes(sets.map(named)),
    counters: (names) => store.counters(names.map(named)),
    positions: (name) => store.positions(named(name)),
    async apply(writes, checkpoint) {
      const advanced = await store.apply(
        writes.map((write) => ({
          ...write,
          key: named(write.key),
          ...(write.members && { members: write.members.map((one) => ({ ...one, set: named(one.set) })) }),
          ...(write.counts && { counts: write.counts.map((one) => ({ ...one, counter: named(one.counter) })) }),
        })),
        checkpoint && { ...checkpoint, projection: named(checkpoint.projection) },
      );
      return new Set([...advanced].map((key) => key.slice(prefix.length)));
    },
    async scan(under, options) {
      const page = await store.scan(named(under), options);
      return { ...page, documents: page.documents.map((one) => ({ ...one, key: one.key.slice(prefix.length) })) };
    },
  };
}
