// The port to documents by key: what read models that are looked up by id are kept in. A document is written from one
// stream and carries that stream's revision; a write with a revision not above the stored one changes nothing, so a
// redelivery, a rebuild or a zombie does no harm. Sets and counters move only with a document that really advanced.
// A document that expired is not found; its revision may be forgotten with it.
// Not in it: search (search-index.ts), deciding what a document says, transactions over several documents.

import type { Positions } from '../positions.ts';

export interface StoredDocument {
  /** JSON value; null is a tombstone: the document was deleted at this revision. */
  readonly value: unknown;
  readonly revision: number;
}

export interface DocumentWrite {
  readonly key: string;
  readonly revision: number;
  /** null leaves a tombstone. */
  readonly value: unknown;
  /**
   * The revision of the stored document that this write was folded from; -1: there was none. When another is stored the
   * write changes nothing. Wanted where counts are written: two writers that fold one stream in different steps would
   * otherwise both add what an event counts.
   */
  readonly base?: number;
  /** Milliseconds since the epoch; from then on the document is gone. Each write sets it anew: left out, it stays. */
  readonly expiresAt?: number;
  /** Members set (score given, finite) or removed (score null) in sorted sets, only if the document advances. */
  readonly members?: readonly { readonly set: string; readonly member: string; readonly score: number | null }[];
  /** Whole numbers added to counters, only if the document advances. A sum beyond 2^53 - 1 is refused. */
  readonly counts?: readonly { readonly counter: string; readonly by: number }[];
}

export interface Checkpoint {
  readonly projection: string;
  readonly positions: Positions;
}

export interface RangeOptions {
  readonly limit: number;
  readonly reverse?: boolean;
  /** Exclusive. */
  readonly after?: { readonly score: number; readonly member: string };
}

export interface ScanOptions {
  /** About how many documents a page has, at most. */
  readonly limit: number;
  /** What the page before gave. */
  readonly cursor?: string;
}

export interface ScanPage {
  readonly documents: readonly (StoredDocument & { readonly key: string })[];
  /** Where the next page begins; none: this was the last. */
  readonly cursor?: string;
}

export interface ReadStore {
  /** In the order of the keys; undefined where there is none. Tombstones are returned. */
  get(keys: readonly string[]): Promise<(StoredDocument | undefined)[]>;
  /** Members of a sorted set by score, then member (in the order of their UTF-8 bytes). */
  range(set: string, options: RangeOptions): Promise<{ member: string; score: number }[]>;
  /** How many members each sorted set has, in the order of the names. */
  sizes(sets: readonly string[]): Promise<number[]>;
  /** In the order of the names; 0 for one never counted. */
  counters(names: readonly string[]): Promise<number[]>;
  /**
   * Writes, in their order, what is newer than stored, and moves the projection's positions, never backwards, in one
   * step: all of it or, when it rejects, nothing. With `DocumentRefused` it rejects for a document that the store will
   * never take, and for nothing else. Answers which keys advanced; where the store is far away and an answer
   * was lost on the way, one that had advanced may be missing. A store that may lose the last that it acknowledged rejects
   * when it has lost where the projection stood, also when no position moves.
   */
  apply(writes: readonly DocumentWrite[], checkpoint?: Checkpoint): Promise<ReadonlySet<string>>;
  /** The positions that `apply` moved last, for a projection. */
  positions(projection: string): Promise<Positions>;
  /**
   * Keys and values kept for a group or service itself (dead letters, markers): unguarded, durable when it resolves, read
   * by `get` with revision -1. A key is either put or a document's, never both: `put` rejects over a document.
   */
  put(key: string, value: unknown): Promise<void>;
  /** Removes what was put; a document stays. */
  remove(key: string): Promise<void>;
  /** Keys that were put, in the order of their UTF-8 bytes. */
  keys(prefix: string, limit: number): Promise<string[]>;
  /**
   * Documents whose key begins with the prefix, tombstones included, what was put left out, in no particular order. One
   * that is there throughout is given at least once. A page may be empty before the end.
   */
  scan(prefix: string, options: ScanOptions): Promise<ScanPage>;
  /**
   * Removes documents, sorted sets, counters, what was put and projections' positions whose names begin with the prefix,
   * about `limit` of them at most; call it again until it answers 0. For what nobody writes any more.
   */
  drop(prefix: string, limit: number): Promise<number>;
  close(): Promise<void>;
}
