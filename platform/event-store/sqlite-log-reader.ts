// Reading the embedded log, on the calling thread: what is asked for is nearly always in the page cache, and a point
// read costs less than a message to another thread would. Pages are short, with a round of the loop between them.

import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { RecordedEvent } from '#events/envelope.ts';
import type { ReadStreamOptions } from './event-store.ts';
import { createRecentEvents } from './recent-events.ts';

export interface SqliteLogReader {
  readStream(stream: string, options?: ReadStreamOptions): Promise<RecordedEvent[]>;
  readAll(after: bigint, limit: number): Promise<RecordedEvent[]>;
  /** Like `readAll`, but may stop early; empty only at the end of the log. */
  readSome(after: bigint, limit: number): Promise<readonly RecordedEvent[]>;
  /** All who read on to the log's end are past here. */
  passed(position: bigint): void;
  head(): bigint;
}

type Row = readonly [
  position: number,
  stream: string,
  revision: number,
  id: string,
  type: string,
  data: string,
  metadata: string,
  recordedAt: number,
];

const pageLength = 256;
const columns = 'position, stream, revision, id, type, data, metadata, recorded_at';

export function createSqliteLogReader(db: DatabaseSync): SqliteLogReader {
  const rows = (sql: string) => db.prepare(sql, { returnArrays: true });
  const forwards = rows(`SELECT ${columns} FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`);
  const backwards = rows(
    `SELECT ${columns} FROM events WHERE stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?`,
  );
  const all = rows(`SELECT ${columns} FROM events WHERE position > ? ORDER BY position LIMIT ?`);
  const selectHead = db.prepare('SELECT max(position) AS head FROM events');
  const recent = createRecentEvents();

  function selectAfter(after: bigint, limit: number): RecordedEvent[] {
    return (all.all(after, limit) as unknown as Row[]).map(decode);
  }

  /** From the newest events' run where they are in it, which grows with whoever reads past its end. */
  function page(after: bigint, limit: number): readonly RecordedEvent[] {
    if (!recent.covers(after)) {
      if (after < recent.end) return selectAfter(after, limit);
      recent.restart(after);
    }
    const known = recent.from(after, limit);
    if (known.length > 0) return known;
    const found = all.all(after, limit) as unknown as Row[];
    const events = found.map(decode);
    recent.push(events, found.map(textLength));
    return events;
  }

  async function readStream(stream: string, options: ReadStreamOptions = {}): Promise<RecordedEvent[]> {
    const { from, limit = 1_000, backwards: back = false } = options;
    const events: RecordedEvent[] = [];
    let next = from ?? (back ? Number.MAX_SAFE_INTEGER : 0);
    for (;;) {
      const asked = Math.min(limit - events.length, pageLength);
      if (asked <= 0 || next < 0) return events;
      const found = (back ? backwards : forwards).all(stream, next, asked) as unknown as Row[];
      for (const row of found) events.push(decode(row));
      if (found.length < asked || events.length >= limit) return events;
      next = (found.at(-1)?.[2] ?? 0) + (back ? -1 : 1);
      await turnOfTheLoop();
    }
  }

  async function read(after: bigint, limit: number, whole: boolean): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for (;;) {
      const asked = Math.min(limit - events.length, pageLength);
      if (asked <= 0) return events;
      const found = page(events.at(-1)?.position ?? after, asked);
      for (const event of found) events.push(event);
      if (found.length === 0 || (!whole && found.length < asked) || events.length >= limit) return events;
      if (found.length === asked) await turnOfTheLoop();
    }
  }

  return {
    readStream,
    readAll: (after, limit) => read(after, limit, true),
    readSome: (after, limit) => read(after, limit, false),
    passed: (position) => recent.passed(position),
    head: () => BigInt((selectHead.get() as { head: number | null }).head ?? 0),
  };
}

function decode([position, stream, revision, id, type, data, metadata, recordedAt]: Row): RecordedEvent {
  return {
    id,
    type,
    data: JSON.parse(data) as unknown,
    metadata: JSON.parse(metadata) as RecordedEvent['metadata'],
    stream,
    revision,
    position: BigInt(position),
    recordedAt,
  };
}

function textLength(row: Row): number {
  return row[5].length + row[6].length;
}
