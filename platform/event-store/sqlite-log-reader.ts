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
  /**
   * Like `readAll`, but may stop early, and leave out what is not of `only` (as a subscription's choice). `to` is the event
   * up to which the log was read; `after` itself only at the end of the log.
   */
  readSome(after: bigint, limit: number, only?: ReadonlySet<string>): Promise<Stretch>;
  /** All who read on to the log's end are past here. */
  passed(position: bigint): void;
  head(): bigint;
}

export interface Stretch {
  readonly events: readonly RecordedEvent[];
  readonly to: bigint;
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
/** Events that are walked over at once: what is left out is not decoded, but each costs a look at its name. */
const walkedAtOnce = 4_096;
const columns = 'position, stream, revision, id, type, data, metadata, recorded_at';

export function createSqliteLogReader(db: DatabaseSync): SqliteLogReader {
  const rows = (sql: string) => db.prepare(sql, { returnArrays: true });
  const forwards = rows(`SELECT ${columns} FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`);
  const backwards = rows(
    `SELECT ${columns} FROM events WHERE stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?`,
  );
  const all = rows(`SELECT ${columns} FROM events WHERE position > ? ORDER BY position LIMIT ?`);
  const selectHead = db.prepare('SELECT max(position) AS head FROM events');
  const nth = db.prepare('SELECT position FROM events WHERE position > ? ORDER BY position LIMIT 1 OFFSET ?');
  const someOf = new Map<string, ReturnType<typeof rows>>();
  const recent = createRecentEvents();
  const head = () => BigInt((selectHead.get() as { head: number | null }).head ?? 0);

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

  function selectOnly(only: ReadonlySet<string>) {
    const names = [...only].sort();
    const key = names.join(' ');
    const known = someOf.get(key);
    if (known) return known;
    const wanted = names.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ');
    const statement = rows(
      `SELECT ${columns} FROM events WHERE position > ? AND position <= ? AND substr(stream, 1, instr(stream, '-') - 1) IN (${wanted}) ORDER BY position LIMIT ?`,
    );
    someOf.set(key, statement);
    return statement;
  }

  /** Of the newest events' run where they are in it; else those wanted are picked from the file, and no others decoded. */
  function pageOf(after: bigint, limit: number, only: ReadonlySet<string>): Stretch {
    if (recent.covers(after) && after < recent.end) {
      const known = recent.from(after, limit);
      return {
        events: known.filter(({ stream }) => only.has(beginningOf(stream))),
        to: known.at(-1)?.position ?? after,
      };
    }
    const end = head();
    if (end <= after) return { events: [], to: after };
    const stop = nth.get(after, walkedAtOnce - 1) as { position: number } | undefined;
    const upTo = stop && BigInt(stop.position) < end ? BigInt(stop.position) : end;
    const events = (selectOnly(only).all(after, upTo, limit) as unknown as Row[]).map(decode);
    return { events, to: events.length === limit ? (events.at(-1)?.position ?? upTo) : upTo };
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
    async readSome(after, limit, only) {
      if (only) return pageOf(after, limit, only);
      const events = await read(after, limit, false);
      return { events, to: events.at(-1)?.position ?? after };
    },
    passed: (position) => recent.passed(position),
    head,
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

/** What stands before a stream's first dash. */
const beginningOf = (stream: string) => stream.slice(0, Math.max(0, stream.indexOf('-')));

function textLength(row: Row): number {
  return row[5].length + row[6].length;
}
