import { openSqliteReadStore, type SqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';
import { openSqliteSearchIndex, type SqliteSearchIndex } from '#platform/search-index/sqlite-search-index.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A read store in a folder of its own; a further handle writes on the calling thread. */
export async function openTemporaryReadStore(writes: 'here' | 'thread', now: () => number = Date.now) {
  const folder = await temporaryFolder();
  const store: SqliteReadStore = await openSqliteReadStore({ folder: folder.path, writes, now });
  return {
    store,
    path: folder.path,
    another: () => openSqliteReadStore({ folder: folder.path, writes: 'here', now }),
    async close() {
      await store.close();
      await folder.remove();
    },
  };
}

/** A search index in a folder of its own; a further handle reads on the calling thread. */
export async function openTemporarySearchIndex(reads: 'here' | 'thread') {
  const folder = await temporaryFolder();
  const index: SqliteSearchIndex = await openSqliteSearchIndex({ folder: folder.path, reads });
  return {
    index,
    path: folder.path,
    another: () => openSqliteSearchIndex({ folder: folder.path, reads: 'here' }),
    async close() {
      await index.close();
      await folder.remove();
    },
  };
}
