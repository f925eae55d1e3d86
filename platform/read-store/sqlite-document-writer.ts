// What changes the read store's file. Synchronous: it runs on a thread that may wait.

import { finite, toJson, whole } from './check-values.ts';
import type { DatabaseSync } from 'node:sqlite';
import { onlyFor } from '../document-refused.ts';
import { durably, inTransaction, purgeDeleted } from '../sqlite/open-sqlite.ts';
import { createPositionsWriter } from '../sqlite/sqlite-positions.ts';
import type { Checkpoint, DocumentWrite } from './read-store.ts';
import { afterAll, putRevision } from './sqlite-read-store-schema.ts';

/** Of each table that is dropped from: its primary key, and the part of it that is the name. */
const dropped = [
  ['document', 'key', 'key'],
  ['member', 'name, member', 'name'],
  ['counter', 'name', 'name'],
  ['checkpoint', 'space, projection, partition', 'projection'],
] as const;

export function createDocumentWriter(database: DatabaseSync) {
  const upsert = database.prepare(
    `INSERT INTO document (key, revision, expires_at, value) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET revision = excluded.revision, expires_at = excluded.expires_at, value = excluded.value
     WHERE excluded.revision > revision`,
  );
  const setMember = database.prepare(
    'INSERT INTO member VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET score = excluded.score WHERE excluded.score <> score',
  );
  const removeMember = database.prepare('DELETE FROM member WHERE name = ? AND member = ?');
  const count = database.prepare(
    'INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value',
  );
  const put = database.prepare(
    `INSERT INTO document (key, revision, value) VALUES (?, ${putRevision}, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value WHERE revision = ${putRevision}`,
  );
  const remove = database.prepare(`DELETE FROM document WHERE key = ? AND revision = ${putRevision}`);
  const sweep = database.prepare(
    'DELETE FROM document WHERE key IN (SELECT key FROM document WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  );
  const stored = database.prepare('SELECT revision FROM document WHERE key = ? AND coalesce(expires_at > ?, 1)');
  const drops = dropped.map(([table, key, name]) =>
    database.prepare(
      `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${name} >= ? AND ${name} < ? LIMIT ?)`,
    ),
  );
  const movePositions = createPositionsWriter(database);

  /** Whether the document advanced. */
  function write({ key, revision, value, base, expiresAt, members, counts }: DocumentWrite, now: number): boolean {
    if (base !== undefined && base !== ((stored.get(key, now)?.['revision'] as number | undefined) ?? -1)) return false;
    const { changes } = upsert.run(key, whole(revision), expiresAt ?? null, toJson(value));
    if (changes === 0) return false;
    for (const { set, member, score } of members ?? []) {
      if (score === null) removeMember.run(set, member);
      else setMember.run(set, member, finite(score));
    }
    for (const { counter, by } of counts ?? []) count.run(counter, whole(by));
    return true;
  }

  return {
    apply(writes: readonly DocumentWrite[], checkpoint: Checkpoint | undefined, now: number): Set<string> {
      return inTransaction(database, () => {
        const advanced = new Set<string>();
        for (const document of writes) {
          if (onlyFor(document.key, () => write(document, now))) advanced.add(document.key);
        }
        if (checkpoint) movePositions('', checkpoint.projection, checkpoint.positions);
        return advanced;
      });
    },
    put(key: string, value: unknown): void {
      const { changes } = durably(database, () => put.run(key, toJson(value)));
      if (changes === 0) throw new TypeError(`${key} is the key of a document: it cannot be put`);
    },
    remove(key: string): void {
      durably(database, () => remove.run(key));
    },
    /** Removes at most `limit` documents that expired by `now`; answers how many. */
    sweepExpired(now: number, limit: number): number {
      return Number(sweep.run(now, limit).changes);
    },
    drop(prefix: string, limit: number): number {
      let left = limit;
      for (const statement of drops) {
        if (left > 0) left -= Number(statement.run(prefix, prefix + afterAll, left).changes);
      }
      return limit - left;
    },
    /** Removes everything; within a transaction. */
    empty(): void {
      for (const [table] of dropped) database.exec(`DELETE FROM ${table}`);
    },
    purge(): void {
      purgeDeleted(database);
    },
  };
}
