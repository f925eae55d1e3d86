// The mark on a file of read models: the generation of the log that they were made from.

import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './open-sqlite.ts';

/** `empty` removes everything from the file, within a transaction. */
export function createSqliteGeneration(database: DatabaseSync, empty: () => void) {
  function mark(generation: string): string {
    // Not of the file's schema: a file that has none yet is as good as before.
    database.exec(
      'CREATE TABLE IF NOT EXISTS made_from (log INTEGER PRIMARY KEY CHECK (log = 1), generation TEXT NOT NULL) STRICT',
    );
    database.prepare('INSERT INTO made_from VALUES (1, ?) ON CONFLICT DO NOTHING').run(generation);
    return String(database.prepare('SELECT generation FROM made_from').get()?.['generation']);
  }

  return {
    claim: (generation: string): string => inTransaction(database, () => mark(generation)),
    startOver(generation: string): void {
      inTransaction(database, () => {
        if (mark(generation) === generation) return;
        empty();
        database.prepare('UPDATE made_from SET generation = ?').run(generation);
      });
    },
  };
}
