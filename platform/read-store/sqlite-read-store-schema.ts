import { positionsSchema } from '../sqlite/sqlite-positions.ts';

export const readStoreFile = 'read-models.sqlite';
export const readStoreVersion = 1;

/** The revision of a key that was `put`: below that of any document. */
export const putRevision = -1;

/** Above any code point that a key can go on with. */
export const afterAll = '\u{10FFFF}';

export const readStoreSchema = `
  CREATE TABLE IF NOT EXISTS document (
    key TEXT PRIMARY KEY, revision INTEGER NOT NULL, expires_at REAL, value TEXT NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS document_expiry ON document (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS document_put ON document (key) WHERE revision = ${putRevision};
  CREATE TABLE IF NOT EXISTS member (
    name TEXT NOT NULL, member TEXT NOT NULL, score REAL NOT NULL, PRIMARY KEY (name, member)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS member_order ON member (name, score, member);
  CREATE TABLE IF NOT EXISTS counter (
    name TEXT PRIMARY KEY, value INTEGER NOT NULL CHECK (abs(value) <= ${Number.MAX_SAFE_INTEGER})
  ) WITHOUT ROWID, STRICT;
  ${positionsSchema}`;
