// The port to documents found by their fields: lists, full text, aggregations. A document is guarded by a revision like
// those of the read store. Text is folded and tokenised by Defter (fold.ts) before it comes here; engines split on white
// space only, so that each finds the same. Order is by a sort field and the id, and pages are by keyset.

import type { Positions } from '../bus/bus.ts';

/**
 * - keyword: exact match, at most 512 characters; may be filtered and aggregated
 * - code: a keyword with few distinct values (a type, a status), kept small
 * - number: a JavaScript number, filtered by range, sortable
 * - text: full text, found by all its words (prefix with a trailing *), not returned
 */
export type FieldKind = 'keyword' | 'code' | 'number' | 'text';

export interface IndexDefinition {
  readonly name: string;
  readonly fields: Readonly<Record<string, FieldKind>>;
  /** The number field that lists are ordered by. */
  readonly sortBy: string;
  /** The keyword or code field that each search must name a value of (the tenant): searches never cross it. */
  readonly partitionBy: string;
}

export type FieldValue = string | number | null;

export interface IndexWrite {
  readonly id: string;
  readonly revision: number;
  /** null leaves a tombstone. */
  readonly fields: Readonly<Record<string, FieldValue>> | null;
}

export type Condition =
  | { readonly field: string; readonly in: readonly (string | number)[] }
  | { readonly field: string; readonly from?: number; readonly to?: number };

export interface SearchQuery {
  /** A value of the index's `partitionBy` field; undefined only for a reader who may see all. */
  readonly partition: string | undefined;
  readonly conditions?: readonly Condition[];
  /** Folded words, all of which must occur; `text` names the text field. */
  readonly text?: { readonly field: string; readonly words: readonly string[] };
  readonly order: 'ascending' | 'descending';
  readonly limit: number;
  /** Keyset: the sort value and id of the last hit of the page before. */
  readonly after?: { readonly sort: number; readonly id: string };
}

export interface Hit {
  readonly id: string;
  readonly sort: number;
  readonly revision: number;
  /** All but text fields. */
  readonly fields: Readonly<Record<string, FieldValue>>;
}

export interface Bucket {
  readonly value: string;
  readonly count: number;
}

export interface SearchIndex {
  /** Makes the index, or checks that it has this shape; an older shape is an error that names the index. */
  define(index: IndexDefinition): Promise<void>;
  apply(
    index: string,
    writes: readonly IndexWrite[],
    checkpoint?: { readonly projection: string; readonly positions: Positions },
  ): Promise<void>;
  search(index: string, query: SearchQuery): Promise<Hit[]>;
  /** Counts of a keyword or code field's values among what the query finds, most frequent first. */
  aggregate(index: string, field: string, query: Omit<SearchQuery, 'order' | 'limit' | 'after'>): Promise<Bucket[]>;
  /** `written` is durable; `visible` is what a search sees. */
  positions(index: string, projection: string): Promise<{ readonly written: Positions; readonly visible: Positions }>;
  /** Makes what is written visible; concurrent calls share one refresh. */
  refresh(index: string): Promise<void>;
  close(): Promise<void>;
}
