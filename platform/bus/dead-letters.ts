// Dead letters: per consumer group the streams of which an event could not be handled, from that event on, as rows in the
// group's store. While a row stands the group skips that stream from the failed event on, and nothing else. A discarded
// event is remembered for good, so that whoever reads the stream again leaves it out again.

import type { ReadStore } from '../read-store/read-store.ts';

export interface DeadLetter {
  readonly group: string;
  readonly stream: string;
  /** Of the first event that failed. */
  readonly revision: number;
  readonly eventId: string;
  readonly error: string;
  readonly attempts: number;
  /** Milliseconds since the epoch, of the last failure. */
  readonly failedAt: number;
}

export type DeadLetterStore = Pick<ReadStore, 'get' | 'put' | 'remove' | 'keys'>;

/** More letters than this are no accident of single streams: the group stops and says so. */
const MOST_LETTERS = 10_000;

export class TooManyDeadLetters extends Error {
  override name = 'TooManyDeadLetters';
  readonly code = 'too-many-dead-letters';
  readonly retriable = false;
}

export const deadLetterKey = (group: string, stream: string) => `dead-letter:${group}:${stream}`;
const discardedKey = (group: string, stream: string) => `dead-letter-discarded:${group}:${stream}`;

function parseLetter(value: unknown): DeadLetter {
  const row = value as Partial<Record<keyof DeadLetter, unknown>> | null;
  if (typeof row?.group !== 'string' || typeof row.stream !== 'string' || typeof row.revision !== 'number') {
    throw new TypeError('a dead letter in the store cannot be read');
  }
  return row as DeadLetter;
}

/** For readers in any process: the letter that holds up a stream for a group, if one does. */
export async function findDeadLetter(
  store: Pick<ReadStore, 'get'>,
  group: string,
  stream: string,
): Promise<DeadLetter | undefined> {
  const [row] = await store.get([deadLetterKey(group, stream)]);
  return row && parseLetter(row.value);
}

/** For readers in any process: the letters of one group, or of all groups, by group and stream. */
export async function listDeadLetters(
  store: Pick<ReadStore, 'get' | 'keys'>,
  options: { readonly group?: string; readonly limit: number },
): Promise<DeadLetter[]> {
  const prefix = options.group === undefined ? 'dead-letter:' : deadLetterKey(options.group, '');
  const rows = await store.get(await store.keys(prefix, options.limit));
  return rows.flatMap((row) => (row ? [parseLetter(row.value)] : []));
}

export interface DeadLetters {
  /** Whether the group leaves this event alone for now. */
  skips(stream: string, revision: number): boolean;
  /** Whether the group leaves this event out for good. */
  isDiscarded(stream: string, revision: number): boolean;
  find(stream: string): DeadLetter | undefined;
  list(): DeadLetter[];
  /** Durable when it resolves; replaces the stream's earlier letter. */
  park(letter: Omit<DeadLetter, 'group' | 'failedAt'>): Promise<void>;
  /** Gives the failed event up for good; the letter stands until it is released. */
  discard(stream: string): Promise<void>;
  /** Deletes the letter. */
  release(stream: string): Promise<void>;
}

/** What one group has parked, for the one member that works for it: read once, then kept in memory beside the rows. */
export async function loadDeadLetters(
  store: DeadLetterStore,
  group: string,
  now: () => number = Date.now,
): Promise<DeadLetters> {
  const letters = new Map<string, DeadLetter>();
  for (const letter of await listDeadLetters(store, { group, limit: MOST_LETTERS })) letters.set(letter.stream, letter);

  const discarded = new Map<string, readonly number[]>();
  const discardedKeys = await store.keys(discardedKey(group, ''), MOST_LETTERS);
  const rows = await store.get(discardedKeys);
  discardedKeys.forEach((key, at) => {
    const revisions = rows[at]?.value;
    if (Array.isArray(revisions)) discarded.set(key.slice(discardedKey(group, '').length), revisions.map(Number));
  });

  return {
    skips(stream, revision) {
      const letter = letters.size > 0 ? letters.get(stream) : undefined;
      return letter !== undefined && revision >= letter.revision;
    },
    isDiscarded: (stream, revision) => discarded.size > 0 && (discarded.get(stream)?.includes(revision) ?? false),
    find: (stream) => letters.get(stream),
    list: () => [...letters.values()],
    async park(failure) {
      if (letters.size >= MOST_LETTERS && !letters.has(failure.stream)) {
        throw new TooManyDeadLetters(`${group} has ${letters.size} dead letters, and takes no more`);
      }
      const letter: DeadLetter = { group, ...failure, failedAt: now() };
      await store.put(deadLetterKey(group, failure.stream), letter);
      letters.set(failure.stream, letter);
    },
    async discard(stream) {
      const letter = letters.get(stream);
      if (!letter) return;
      const revisions = [...new Set([...(discarded.get(stream) ?? []), letter.revision])];
      await store.put(discardedKey(group, stream), revisions);
      discarded.set(stream, revisions);
    },
    async release(stream) {
      await store.remove(deadLetterKey(group, stream));
      letters.delete(stream);
    },
  };
}
