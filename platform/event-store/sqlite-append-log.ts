// One append inside a transaction of the embedded log, by EventStoreDB's rules: what is at the expected place decides.
// Only ids are compared. https://docs.kurrent.io/server/v24.10/http-api/optional-http-headers/expected-version

import type { DatabaseSync } from 'node:sqlite';
import type { AppendRequest, EventText } from './append-request.ts';
import { type ExpectedRevision, WrongExpectedRevision } from './event-store.ts';
import type { AppendTransaction } from './group-commit.ts';

/** Where an append's last event is; the position as a number, as SQLite gives it. */
export interface AppendAnswer {
  readonly revision: number;
  readonly position: number;
  readonly recordedAt: number;
}

/** As it crosses threads. */
export type PackedAnswer = readonly [revision: number, position: number, recordedAt: number];

/** How many events are remembered for `any` and `stream_exists`. */
const remembered = 10_000;

interface OtherRow {
  readonly position: number;
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly recordedAt: number;
}

/** Nothing about a stream is kept between transactions, because other processes may write too. */
export function createSqliteAppendLog(db: DatabaseSync): AppendTransaction<AppendRequest, AppendAnswer> {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const selectLast = db.prepare('SELECT max(revision) AS last FROM events WHERE stream = ?');
  const selectAt = db.prepare(
    'SELECT id, revision, position, recorded_at AS recordedAt FROM events WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision',
  );
  const selectNewer = db.prepare(
    'SELECT position, stream, revision, id, recorded_at AS recordedAt FROM events WHERE position > ? ORDER BY position DESC LIMIT ?',
  );
  const insert = db.prepare(
    'INSERT INTO events (stream, revision, id, type, data, metadata, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const recent = new Map<string, AppendAnswer>();
  let seen = 0;
  let now = 0;

  function remember(stream: string, id: string, answer: AppendAnswer): void {
    recent.set(`${id} ${stream}`, answer);
    if (recent.size > remembered) for (const oldest of recent.keys()) return void recent.delete(oldest);
  }

  /** What was written since the last append that asks for it: most name their place, and need no memory. */
  function catchUp(): void {
    const rows = selectNewer.all(seen, remembered) as unknown as OtherRow[];
    for (const { position, stream, revision, id, recordedAt } of rows.toReversed()) {
      remember(stream, id, { revision, position, recordedAt });
      seen = position;
    }
  }

  function lastRevision(stream: string): number {
    return (selectLast.get(stream) as { last: number | null }).last ?? -1;
  }

  /** The answer of the first time if all ids stand, in order, from `from` on. */
  function standing({ stream, events }: AppendRequest, from: number): AppendAnswer | undefined {
    const rows = selectAt.all(stream, from, from + events.length - 1) as unknown as OtherRow[];
    return rows.length === events.length && rows.every(({ id }, at) => id === events[at]?.id) ? rows.at(-1) : undefined;
  }

  function write(stream: string, revision: number, { id, type, data, metadata }: EventText): AppendAnswer {
    const { lastInsertRowid } = insert.run(stream, revision, id, type, data, metadata, now);
    return { revision, position: Number(lastInsertRowid), recordedAt: now };
  }

  function repeated(request: AppendRequest, refuse: () => WrongExpectedRevision): AppendAnswer | undefined {
    catchUp();
    let answer: AppendAnswer | undefined;
    for (const [at, { id }] of request.events.entries()) {
      const known = recent.get(`${id} ${request.stream}`);
      if (!known && at === 0) return undefined;
      if (!known) throw refuse();
      answer = known;
    }
    return answer;
  }

  function apply(request: AppendRequest): AppendAnswer {
    const { stream, events, expected } = request;
    const last = lastRevision(stream);
    const refuse = () => new WrongExpectedRevision(stream, expected, last === -1 ? undefined : last);
    const place = expectedPlace(expected);
    if (place === undefined) {
      if (expected === 'stream_exists' && last === -1) throw refuse();
      const answer = repeated(request, refuse);
      if (answer) return answer;
    } else if (place !== last) {
      const answer = standing(request, place + 1);
      if (!answer) throw refuse();
      return answer;
    }
    let answer: AppendAnswer | undefined;
    for (const [at, event] of events.entries()) answer = write(stream, last + 1 + at, event);
    if (!answer) throw new TypeError('an append needs at least one event');
    return answer;
  }

  return {
    begin() {
      begin.run();
      now = Date.now();
    },
    apply,
    commit: () => void commit.run(),
    rollback() {
      if (db.isTransaction) db.exec('ROLLBACK');
      // What was remembered may not be in the log; the next transaction reads it anew.
      recent.clear();
      seen = 0;
    },
  };
}

/** The revision after which the events belong; undefined when any will do. */
function expectedPlace(expected: ExpectedRevision): number | undefined {
  if (expected === 'no_stream') return -1;
  return typeof expected === 'number' ? expected : undefined;
}
