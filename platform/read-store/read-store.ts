// The port to documents by key: what read models that are looked up by id are kept in. A document is written from one
// stream and carries that stream's revision; a write with a revision not above the stored one changes nothing, so a
// redelivery, a rebuild or a zombie does no harm. Sets and counters move only with a document that really advanced.
// Not in it: search (search-index.ts), deciding what a document says.

import type { Positions } from '../bus/bus.ts';

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
  /** Milliseconds since the epoch; the document may vanish from then on. */
  readonly expiresAt?: number;
  /** Members set (score given) or removed (score null) in sorted sets, only if the document advances. */
  readonly members?: readonly { readonly set: string; readonly member: string; readonly score: number | null }[];
  /** Added to counters, only if the document advances. */
  readonly counts?: readonly { readonly counter: string; readonly by: number }[];
}

export interface ReadStore {
  /** In the order of the keys; undefined where there is none. Tombstones are returned. */
  get(keys: readonly string[]): Promise<(StoredDocument | undefined)[]>;
  /** Members of a sorted set by score, then member. `after` is exclusive. */
  range(
    set: string,
    options: { readonly limit: number; readonly reverse?: boolean; readonly after?: { score: number; member: string } },
  ): Promise<{ member: string; score: number }[]>;
  counters(names: readonly string[]): Promise<number[]>;
  /** Writes what is newer than stored, and moves the projection's positions, in one step. Answers which keys advanced. */
  apply(
    writes: readonly DocumentWrite[],
    checkpoint?: { readonly projection: string; readonly positions: Positions },
  ): Promise<ReadonlySet<string>>;
  /** The positions that `apply` moved last, for a projection. */
  positions(projection: string): Promise<Positions>;
  /** Keys and values kept for a group or service itself (dead letters, markers): unguarded, durable. */
  keys(prefix: string, limit: number): Promise<string[]>;
  put(key: string, value: unknown): Promise<void>;
  remove(key: string): Promise<void>;
  close(): Promise<void>;
}
