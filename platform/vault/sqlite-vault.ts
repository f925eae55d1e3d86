// The vault in its own SQLite file. Deleting must delete: `secure_delete` overwrites what is freed, the file is written
// anew after each removal (pages that were split or merged keep stale copies otherwise), and a rollback journal (not a
// WAL, which keeps old pages) is gone with each commit. EXTRA is FULL that also syncs the folder once
// the journal is unlinked: without that, a power cut could bring a hot journal back and roll an acknowledged key away.
//
// Several threads or processes may open one file. Never read it with other code of the same process while it is open:
// closing any descriptor of the file would drop SQLite's locks; copy it with `VACUUM INTO`.

import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Vault } from './vault.ts';

const BUSY_MS = 10_000;

/** Opens, or creates with mode 0600, the vault's file. Throws SQLite's error when it cannot. */
export function openSqliteVault(path: string): Vault {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    db.exec(`PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA fullfsync = ON; PRAGMA secure_delete = ON;
      CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID`);
    chmodSync(path, 0o600);
  } catch (error) {
    db.close();
    throw error;
  }
  const create = db.prepare('INSERT INTO entries (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const read = db.prepare('SELECT value FROM entries WHERE name = ?');
  const replace = db.prepare(
    'INSERT INTO entries (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const remove = db.prepare('DELETE FROM entries WHERE name = ?');
  const list = db.prepare('SELECT name FROM entries WHERE name >= ?1 AND name < ?1 || char(1114111) ORDER BY name');
  return {
    create: async (name, value) => create.run(name, value).changes === 1,
    read: async (name) => read.get(name)?.['value'] as Uint8Array | undefined,
    replace: async (name, value) => {
      if (replace.run(name, value).changes > 0) db.exec('VACUUM');
    },
    remove: async (name) => {
      if (remove.run(name).changes > 0) db.exec('VACUUM');
    },
    list: async (prefix) => list.all(prefix).map((row) => row['name'] as string),
    close: async () => db.close(),
  };
}
