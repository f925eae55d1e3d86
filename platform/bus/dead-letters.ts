// Dead letters: per consumer group the streams of which an event could not be handled, from that event on, as rows in the
// group's store. While a row stands the group skips that stream from the failed event on, and nothing else. A discarded
// event is remembered for good, for all versions of a projection, so that whoever reads the stream again leaves it out.

import type { ReadStore } from '../read-store/read-store.ts';
import { type DeadLetter, deadLetterKey, nameOfGroup, parseLetter } from './dead-letter-rows.ts';
import { finalError } from '../errors.ts';

export type DeadLetterStore = Pick<ReadStore, 'get' | 'put' | 'remove' | 'keys'>;

/** More letters than this are no accident of single streams: the group stops and says so. */
const MOST_LETTERS = 10_000;
const PAGE = 500;

export class TooManyDeadLetters extends finalError('too-many-dead-letters') {}

/** One row for each, so that two who discard do not undo one another. */
const MOST_DISCARDED = 100_000;
const discardedPrefix = (group: string) => `dead-letter-discarded:${nameOfGroup(group)}:`;

export interface DeadLetters {
  /** Whether the group leaves this event alone for now. */
  skips(stream: string, revision: number): boolean;
  /** Whether the group leaves this event out for good. */
  isDiscarded(stream: string, revision: number): boolean;
  find(stream: string): DeadLetter | undefined;
  list(): DeadLetter[];
  /** Reads the rows again: another member of the group may have changed them. */
  reload(): Promise<void>;
  /** Durable when it resolves; replaces the stream's earlier letter. */
  park(letter: Omit<DeadLetter, 'group' | 'failedAt' | 'request'>): Promise<void>;
  /** Says for which request the stream is being taken up: a letter parked again remembers it. */
  takeUpFor(stream: string, request: number): void;
  /** Gives an event up for good, the stream's letter's unless another is named; the letter stands until it is released. */
  discard(stream: string, revision?: number): Promise<void>;
  /** Deletes the letter. */
  release(stream: string): Promise<void>;
}

/** What one group has parked, for a member that works for it: kept in memory beside the rows. */
export async function loadDeadLetters(
  store: DeadLetterStore,
  group: string,
  now: () => number = Date.now,
): Promise<DeadLetters> {
  let letters = new Map<string, DeadLetter>();
  let discarded = new Set<string>();
  const requests = new Map<string, number>();
  /** Goes up with each change, so that what was read meanwhile does not undo it. */
  let changes = 0;

  async function reload(): Promise<void> {
    for (;;) {
      const before = changes;
      const found = await readLetters(store, group);
      const left = await store.keys(discardedPrefix(group), MOST_DISCARDED);
      if (changes !== before) continue;
      letters = new Map(found.map((letter) => [letter.stream, letter]));
      discarded = new Set(left.map((key) => key.slice(discardedPrefix(group).length)));
      return;
    }
  }

  await reload();
  return {
    reload,
    skips(stream, revision) {
      const letter = letters.size > 0 ? letters.get(stream) : undefined;
      return letter !== undefined && revision >= letter.revision;
    },
    isDiscarded: (stream, revision) => discarded.size > 0 && discarded.has(`${stream}:${revision}`),
    find: (stream) => letters.get(stream),
    list: () => [...letters.values()],
    takeUpFor: (stream, request) => void requests.set(stream, request),
    async park(failure) {
      const { stream } = failure;
      if (letters.size >= MOST_LETTERS && !letters.has(stream)) {
        throw new TooManyDeadLetters(`${group} has ${letters.size} dead letters, and takes no more`);
      }
      const request = requests.get(stream) ?? letters.get(stream)?.request ?? -1;
      const letter: DeadLetter = { group, ...failure, failedAt: now(), request };
      await store.put(deadLetterKey(group, stream), letter);
      changes++;
      letters.set(stream, letter);
      requests.delete(stream);
    },
    async discard(stream, revision = letters.get(stream)?.revision) {
      if (revision === undefined) return;
      const event = `${stream}:${revision}`;
      await store.put(discardedPrefix(group) + event, { at: now() });
      changes++;
      discarded.add(event);
    },
    async release(stream) {
      await store.remove(deadLetterKey(group, stream));
      changes++;
      letters.delete(stream);
      requests.delete(stream);
    },
  };
}

async function readLetters(store: DeadLetterStore, group: string): Promise<DeadLetter[]> {
  const keys = await store.keys(deadLetterKey(group, ''), MOST_LETTERS);
  const letters: DeadLetter[] = [];
  for (let from = 0; from < keys.length; from += PAGE) {
    const rows = await store.get(keys.slice(from, from + PAGE));
    letters.push(...rows.flatMap((row) => (row ? [parseLetter(row.value)] : [])));
  }
  return letters;
}
