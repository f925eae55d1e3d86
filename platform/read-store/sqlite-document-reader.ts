// What reads the read store's file. `get`, `counters` and `positions` look up primary keys, in microseconds; `range`,
// `sizes` and `keys` scan.

import type { DatabaseSync } from 'node:sqlite';
import { createPositionsReader } from '../sqlite/sqlite-positions.ts';
import type { RangeOptions, ScanOptions, ScanPage, StoredDocument } from './read-store.ts';
import { afterAll, putRevision } from './sqlite-read-store-schema.ts';

export function createDocumentReader(database: DatabaseSync) {
  const document = database.prepare(
    'SELECT revision, value FROM document WHERE key = ? AND coalesce(expires_at > ?, 1)',
  );
  const counter = database.prepare('SELECT value FROM counter WHERE name = ?');
  const ascending = database.prepare(
    'SELECT member, score FROM member WHERE name = ? AND (score, member) > (?, ?) ORDER BY score, member LIMIT ?',
  );
  const descending = database.prepare(
    'SELECT member, score FROM member WHERE name = ? AND (score, member) < (?, ?) ORDER BY score DESC, member DESC LIMIT ?',
  );
  const size = database.prepare('SELECT count(*) AS members FROM member WHERE name = ?');
  const keys = database.prepare(
    `SELECT key FROM document WHERE revision = ${putRevision} AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  );
  const scan = database.prepare(
    `SELECT key, revision, value FROM document
     WHERE key > ? AND key >= ? AND key < ? AND revision <> ${putRevision} AND coalesce(expires_at > ?, 1)
     ORDER BY key LIMIT ?`,
  );
  const positions = createPositionsReader(database);

  return {
    get(wanted: readonly string[], now: number): (StoredDocument | undefined)[] {
      return wanted.map((key) => {
        const row = document.get(key, now);
        return row && { value: JSON.parse(row['value'] as string), revision: row['revision'] as number };
      });
    },
    counters(names: readonly string[]): number[] {
      return names.map((name) => (counter.get(name)?.['value'] as number | undefined) ?? 0);
    },
    positions: (projection: string) => positions('', projection),
    range(set: string, { limit, reverse = false, after }: RangeOptions) {
      const from = after ?? (reverse ? { score: Infinity, member: '' } : { score: -Infinity, member: '' });
      return (reverse ? descending : ascending)
        .all(set, from.score, from.member, limit)
        .map((row) => ({ member: row['member'] as string, score: row['score'] as number }));
    },
    sizes: (sets: readonly string[]) => sets.map((set) => size.get(set)?.['members'] as number),
    /** The cursor is the last key given. */
    scan(prefix: string, { limit, cursor = '' }: ScanOptions, now: number): ScanPage {
      const documents = scan.all(cursor, prefix, prefix + afterAll, now, limit).map((row) => ({
        key: row['key'] as string,
        revision: row['revision'] as number,
        value: JSON.parse(row['value'] as string) as unknown,
      }));
      const last = documents.at(-1);
      return documents.length === limit && last ? { documents, cursor: last.key } : { documents };
    },
    keys(prefix: string, limit: number): string[] {
      return keys.all(prefix, prefix + afterAll, limit).map((row) => row['key'] as string);
    },
  };
}
