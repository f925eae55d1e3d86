import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
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
    /** What whoever reads the file finds by a name. */
    async published(name: string) {
      const database = new DatabaseSync(join(folder.path, 'search.sqlite'), { readOnly: true });
      try {
        return database.prepare(`SELECT * FROM "${name}"`).all();
      } finally {
        database.close();
      }
    },
    async close() {
      await index.close();
      await folder.remove();
    },
  };
}
