import { deadLetterKey } from '#platform/bus/dead-letter-rows.ts';
import { pause } from '#platform/patience/back-off.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { versionIndex, versionName, versionPrefix } from '#platform/projection/versions.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import { shapeMarkKey } from './version-shape.ts';

/** Names removed at once, so that whoever else works with the store is not held up. */
const STEP = 500;
const PAUSE_MS = 10;

/** Removes all that a version wrote. It may be done again. */
export async function removeVersion(
  { readStore, searchIndex }: { readonly readStore: ReadStore; readonly searchIndex: SearchIndex },
  projection: Projection,
  version: number,
  signal: AbortSignal,
): Promise<void> {
  const { name } = projection;
  const prefixes = [versionPrefix(name, version), deadLetterKey(versionName(name, version), '')];
  for (const prefix of prefixes) {
    while ((await readStore.drop(prefix, STEP)) > 0) {
      signal.throwIfAborted();
      await pause(PAUSE_MS);
    }
  }
  await readStore.remove(shapeMarkKey(name, version));
  if (projection.kind !== 'document') await searchIndex.drop(versionIndex(projection.index.name, version));
}
