// The threads that search the file. Lists and other plain reads have one to themselves, where no read may look at many rows;
// what takes longer (words, counts, digests, and what was found out to look at many rows) goes to a few others of lower
// priority, which begin when they are needed. So plain reads wait for plain reads alone.

import { LRUCache } from 'lru-cache';
import { createFifo } from '../fifo.ts';
import { within } from '../patience/within.ts';
import { openSqliteThread, type SqliteThread } from '../sqlite/sqlite-thread.ts';
import { plainError, type ThrownHere } from '../threads/thread-calls.ts';
import { SearchTooLong } from './open-index-readers.ts';
import {
  type Bucket,
  type DocumentDigest,
  type HistogramCount,
  type Hit,
  IndexMisused,
  type SearchIndex,
  type SearchQuery,
  SearchTimedOut,
} from './search-index.ts';

export type Searches = Pick<SearchIndex, 'search' | 'aggregate' | 'histogram' | 'digests' | 'close'>;

/** Some milliseconds' worth. */
const PLAIN_ROWS = 20_000;
const SLOW_THREADS = 2;
/** How many forms of query are remembered as ones that look at many rows, and for how long. */
const FORMS = { max: 1_000, ttl: 10_000 } as const;

export async function openSearchThreads(path: string, withinMs: number): Promise<Searches> {
  const open = (isBackground: boolean) =>
    openSqliteThread(new URL('./sqlite-search-index-thread.ts', import.meta.url), { path, isBackground }, revive);
  const plain = await open(false);
  const slow = createSlowThreads(() => open(true));
  const longForms = new LRUCache<string, true>(FORMS);

  const slowly = (method: string, input: readonly unknown[], until = Date.now() + withinMs) =>
    slow.call(method, [{ until }, ...input], until);

  async function plainly(method: string, input: readonly unknown[], form: string): Promise<unknown> {
    const until = Date.now() + withinMs;
    if (longForms.has(form)) return slowly(method, input, until);
    try {
      return await plain.call(method, [{ until, rows: PLAIN_ROWS }, ...input]);
    } catch (error) {
      if (!(error instanceof SearchTooLong)) throw error;
      longForms.set(form, true);
      return slowly(method, input, until);
    }
  }

  return {
    search: (index, query) => {
      const hasWords = (query.text?.words.length ?? 0) > 0;
      const input = [index, query];
      return (hasWords ? slowly('search', input) : plainly('search', input, formOf(index, query))) as Promise<Hit[]>;
    },
    aggregate: (index, field, query) => slowly('aggregate', [index, field, query]) as Promise<Bucket[]>,
    histogram: (index, query) => slowly('histogram', [index, query]) as Promise<HistogramCount[]>,
    digests: (index, options) => slowly('digests', [index, options]) as Promise<DocumentDigest[]>,
    async close() {
      await plain.close();
      await slow.close();
    },
  };
}

/** Queries that differ only in the values that they look for have one form. */
function formOf(index: string, { partition, conditions = [] }: SearchQuery): string {
  const tenant = typeof partition === 'string' ? [partition] : partition?.length;
  return JSON.stringify([index, tenant, conditions.map((condition) => Object.keys(condition).concat(condition.field))]);
}

interface SlowThreads {
  /** Rejects with `SearchTimedOut` when the time is up, whatever the thread is at. */
  call(method: string, input: unknown, until: number): Promise<unknown>;
  close(): Promise<void>;
}

function createSlowThreads(open: () => Promise<SqliteThread>): SlowThreads {
  const opened = new Set<Promise<SqliteThread>>();
  const idle: SqliteThread[] = [];
  const waiting = createFifo<(thread: SqliteThread) => void>();

  async function take(): Promise<SqliteThread> {
    const free = idle.pop();
    if (free) return free;
    if (opened.size >= SLOW_THREADS) return new Promise((resolve) => waiting.push(resolve));
    const opening = open();
    opened.add(opening);
    opening.catch(() => opened.delete(opening));
    return opening;
  }

  function give(thread: SqliteThread): void {
    const next = waiting.first;
    waiting.drop();
    if (next) next(thread);
    else idle.push(thread);
  }

  async function run(method: string, input: unknown, until: number): Promise<unknown> {
    const thread = await take();
    try {
      // Nobody waits for it any more.
      if (Date.now() >= until) throw timedOut();
      return await thread.call(method, input);
    } finally {
      give(thread);
    }
  }

  return {
    call: (method, input, until) => within(until - Date.now(), run(method, input, until), timedOut),
    async close() {
      const threads = await Promise.allSettled(opened);
      await Promise.all(threads.map(async (one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
    },
  };
}

const timedOut = () => new SearchTimedOut('the search took too long and was given up');

function revive(thrown: ThrownHere): Error {
  for (const known of [IndexMisused, SearchTimedOut, SearchTooLong])
    if (thrown.name === known.name) return new known(thrown.message);
  return plainError(thrown);
}
