// The port to documents found by their fields: lists, full text, aggregations. A document is guarded by a revision like
// those of the read store. Text is folded and tokenised by Defter (fold.ts) before it comes here; engines split on white
// space only, so that each finds the same. Order is by a sort field and then the id (its UTF-8 bytes), and pages are by
// keyset. What breaks a rule below rejects with `IndexMisused`, a document that does with `DocumentRefused`, and nothing of
// its batch is written.
// Not in it: what a field means, relevance (everything has an order), joins, deep pages by number.

import type { Positions } from '../positions.ts';
import { finalError, transientError } from '../errors.ts';

/**
 * - keyword: exact match, at most 512 characters; may be filtered and aggregated
 * - code: a keyword with few distinct values (a type, a status), kept small
 * - number: a JavaScript number, filtered by range, sortable
 * - text: full text, found by all its words (prefix with a trailing *), not returned; given folded, words apart by spaces
 *   (words.ts says what becomes of other text)
 *
 * A field that is null or left out is found by no condition and is in no bucket; only known fields may be written.
 */
export type FieldKind = 'keyword' | 'code' | 'number' | 'text';

export interface IndexDefinition {
  /** Lower-case letters, digits and hyphens, at most 48, a letter first. */
  readonly name: string;
  /** Names of letters, digits and underscores, at most 48, a letter first. */
  readonly fields: Readonly<Record<string, FieldKind>>;
  /** The number field that lists are ordered by; each document has it. */
  readonly sortBy: string;
  /** The keyword or code field that a search names a value of (the tenant), never crossing it; each document has it. */
  readonly partitionBy: string;
  /**
   * The sort field numbers the documents: a whole number, not negative, that each has for itself and keeps; its id is
   * `idOfNumber` of it. An engine that can needs no other key then.
   */
  readonly numbered?: true;
  /**
   * Code or keyword fields by whose value few documents are found among many: an engine that needs it keeps those of each
   * value in order. The first is a code field with few values, as what none of them is asked of is put together from it.
   */
  readonly findBy?: readonly string[];
  /**
   * Of numbered documents: a number field that rises with the number, or nearly so (a time). What lies in a range of it is
   * found without a look at all others, and exactly so where it did not rise.
   */
  readonly rising?: string;
  /**
   * Of documents with a rising field, a time in whole milliseconds: how many have each value of the code field `of` is
   * counted over it, for `histogram`. `over` is the rising field.
   */
  readonly tally?: { readonly of: string; readonly over: string };
}

/** The id of a numbered document: ids are in the order of their numbers. */
export const idOfNumber = (number: number): string => String(number).padStart(20, '0');

export type FieldValue = string | number | null;

export interface IndexWrite {
  /** At most 512 bytes of UTF-8, without control characters. */
  readonly id: string;
  readonly revision: number;
  /** The whole document; null leaves a tombstone, which keeps the revision and is never found. */
  readonly fields: Readonly<Record<string, FieldValue>> | null;
}

/** Both bounds are inclusive, and on number fields only; the others are on any field but text, of at most 1,000 values. */
export type Condition =
  | { readonly field: string; readonly in: readonly (string | number)[] }
  | { readonly field: string; readonly notIn: readonly (string | number)[] }
  | { readonly field: string; readonly from?: number; readonly to?: number };

export interface SearchQuery {
  /** A value of the index's `partitionBy` field, or up to 1,000; undefined only for a reader who may see all. */
  readonly partition: string | readonly string[] | undefined;
  readonly conditions?: readonly Condition[];
  /** Folded words, all of which must occur, at most 256; no words find everything. `field` names the text field. */
  readonly text?: { readonly field: string; readonly words: readonly string[] };
  readonly order: 'ascending' | 'descending';
  /** 1 to 1,000. */
  readonly limit: number;
  /** Keyset: the sort value and id of the last hit of the page before. */
  readonly after?: { readonly sort: number; readonly id: string };
}

export interface Hit {
  readonly id: string;
  readonly sort: number;
  readonly revision: number;
  /** All but text fields; null where there is no value. */
  readonly fields: Readonly<Record<string, FieldValue>>;
}

export interface HistogramQuery {
  readonly partition: SearchQuery['partition'];
  /** Milliseconds since the epoch, whole: from this one on, and before that one; at most 1,000 widths apart. */
  readonly from: number;
  readonly to: number;
  /** Of a bucket, in milliseconds; of whole seconds where the range is longer than a minute. */
  readonly width: number;
  /** On the tally's `of` alone. */
  readonly conditions?: readonly Extract<Condition, { in: unknown } | { notIn: unknown }>[];
}

export interface HistogramCount {
  /** Where the bucket begins: a multiple of the width, so the first one may begin before the range. */
  readonly at: number;
  readonly value: string;
  readonly count: number;
}

export interface Bucket {
  readonly value: string;
  readonly count: number;
}

/** What a document says, in short: two documents with the same fields have the same digest, in every engine. */
export interface DocumentDigest {
  readonly id: string;
  readonly revision: number;
  /** See digest-of.ts. */
  readonly digest: string;
}

export interface DigestOptions {
  /** 1 to 1,000. */
  readonly limit: number;
  /** An id; the documents after it. */
  readonly after?: string;
}

/** A search that has not found its hits by then, in milliseconds, rejects with `SearchTimedOut`. */
export const searchWithinMs = 5_000;

export interface SearchIndex {
  /**
   * Makes the index, or checks that it has this shape and rejects with `IndexShapeDiffers`. Whoever uses an index, to
   * write or to read, defines it first.
   */
  define(index: IndexDefinition): Promise<void>;
  /**
   * Writes, in their order, the documents whose revision is greater than the stored one (of a tombstone too), and then
   * moves the projection's positions, never backwards. An adapter without transactions may, when it rejects, have written
   * a part of the documents but not moved the positions; writing them again does no harm.
   */
  apply(
    index: string,
    writes: readonly IndexWrite[],
    checkpoint?: { readonly projection: string; readonly positions: Positions },
  ): Promise<void>;
  search(index: string, query: SearchQuery): Promise<Hit[]>;
  /** Counts of a keyword or code field's values among what the query finds, most frequent first, then by value; at most 1,000. */
  aggregate(index: string, field: string, query: Omit<SearchQuery, 'order' | 'limit' | 'after'>): Promise<Bucket[]>;
  /**
   * Counts of the values that the index tallies, in buckets of a width, by bucket and value; those of none are left out.
   * Only what lies in the range counts, in its first and last bucket too.
   */
  histogram(index: string, query: HistogramQuery): Promise<HistogramCount[]>;
  /** `written` is durable; `visible` is what a search sees. */
  positions(index: string, projection: string): Promise<{ readonly written: Positions; readonly visible: Positions }>;
  /** Makes what is written visible; concurrent calls share one refresh. */
  refresh(index: string): Promise<void>;
  /**
   * The digests of the visible documents (not of tombstones) in the order of the ids' UTF-8 bytes, those after an id
   * where one is given. With it a rebuilt index is compared with the live one.
   */
  digests(index: string, options: DigestOptions): Promise<readonly DocumentDigest[]>;
  /**
   * Removes the index with all that is in it and its projections' positions; no error when there is none. Who uses it
   * again defines it again.
   */
  drop(index: string): Promise<void>;
  /**
   * From now on this name, which has the form of an index's, leads those who query the engine itself to the documents of
   * this index, at once: an alias in Elasticsearch, a view in SQLite. docs/read-models.md is their contract.
   */
  publish(name: string, index: string): Promise<void>;
  close(): Promise<void>;
}

/** The same index is there with other fields: it must be built anew, under another name or from an empty store. */
export class IndexShapeDiffers extends finalError('index-shape-differs') {
  readonly index: string;
  constructor(index: string) {
    super(`the index ${index} has another shape than this program's: it must be rebuilt`);
    this.index = index;
  }
}

/** The engine took too long: it is busy, or the query asks for too much. */
export class SearchTimedOut extends transientError('search-timed-out') {}

/** A definition or query that the port's rules do not allow, or an index that is not there. */
export class IndexMisused extends finalError('index-misused') {}
