// The positions that a projection has reached, kept in the same file as what it writes and moved in the same transaction.

import type { DatabaseSync } from 'node:sqlite';
import type { Positions } from '../positions.ts';

/** `space` tells apart what shares a file (an index); a position never moves backwards. */
export const positionsSchema = `
  CREATE TABLE IF NOT EXISTS checkpoint (
    space TEXT NOT NULL, projection TEXT NOT NULL, partition TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (space, projection, partition)
  ) WITHOUT ROWID, STRICT;`;

export function createPositionsWriter(database: DatabaseSync) {
  const move = database.prepare(
    `INSERT INTO checkpoint VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET position = excluded.position WHERE excluded.position > position`,
  );
  return (space: string, projection: string, positions: Positions): void => {
    for (const [partition, position] of positions) move.run(space, projection, partition, position);
  };
}

export function createPositionsReader(database: DatabaseSync) {
  const read = database.prepare('SELECT partition, position FROM checkpoint WHERE space = ? AND projection = ?');
  read.setReadBigInts(true);
  return (space: string, projection: string): Positions =>
    new Map(read.all(space, projection).map((row) => [String(row['partition']), row['position'] as bigint]));
}
