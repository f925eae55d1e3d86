// What a projection is: pure functions from a stream's events to one document, row or rows. They read no clock, make no
// id and look nothing up, so that the same log gives the same read model, however often it is read. Event by event they
// may be given a stream in one go or in pieces, never out of order and never twice.
// Not in it: guards, checkpoints, retries, dead letters (start-projection.ts).

import type { RecordedEvent } from '#events/envelope.ts';
import type { Contents } from '../content/content.ts';
import type { DocumentWrite } from '../read-store/read-store.ts';
import type { FieldValue, IndexDefinition } from '../search-index/search-index.ts';

interface ProjectionBase {
  /** Also the name of its consumer group, its checkpoint and its live channel (`projection:<name>`). No colon in it. */
  readonly name: string;
  readonly topics: readonly string[];
  /**
   * Goes up by one when what it makes of the same events changes (another index, other documents); default 1. A version
   * of the read model that was built with another shape is built anew.
   */
  readonly shape?: number;
  /** Left out where the log is embedded: what the projection makes is read from the log itself there. */
  readonly onlyBesideRemoteLog?: true;
  /**
   * Which list shows what an event changed, once this has it; undefined for none. Left out where no list is made from it.
   * See projectors/hints.
   */
  hintOf?(event: RecordedEvent): string | undefined;
  /** Makes what opens events for it; left out, they come sealed as they are in the log. */
  readonly createOpener?: (contents: Pick<Contents, 'open'>) => OpenEvent;
}

/**
 * Makes an event readable for the projection (decrypts it, reads its blobs); at once where nothing need be waited for. What
 * may pass has `retriable: true`.
 */
export type OpenEvent = (event: RecordedEvent) => RecordedEvent | Promise<RecordedEvent>;

export type Members = NonNullable<DocumentWrite['members']>;
export type Counts = NonNullable<DocumentWrite['counts']>;

/** What one event does. `ignore` leaves all as it is (the guard still advances); a document of null deletes it. */
export type DocumentChange<Document> =
  'ignore' | { readonly document: Document | null; readonly members?: Members; readonly counts?: Counts };

/** One document in the read store per stream. A document is a JSON value. */
export interface DocumentProjection<Document = unknown> extends ProjectionBase {
  readonly kind: 'document';
  /** The key of the document that a stream makes; undefined for a stream that makes none. */
  keyOf(stream: string): string | undefined;
  /** `document` is undefined before the first change and after a deletion. */
  project(document: Document | undefined, event: RecordedEvent): DocumentChange<Document>;
  /** True when no change gives counts: then a stream's first event is folded without a look at what is stored. */
  readonly withoutCounts?: true;
  /** From when on (milliseconds since the epoch) the document may vanish; asked at each write. */
  expiresAt?(document: Document): number | undefined;
}

export type Fields = Readonly<Record<string, FieldValue>>;

/** One row in a search index per stream, from a state that is kept between events (and folded again when it is not). */
export interface StreamRowProjection<State = unknown> extends ProjectionBase {
  readonly kind: 'stream-row';
  readonly index: IndexDefinition;
  /** Whether the stream makes a row. */
  concerns(stream: string): boolean;
  /**
   * The id of the stream's row; the stream's name where it is left out. In a numbered index the row's number is the
   * position of the stream's first event, whatever this says, and `fields` need not say it.
   */
  idOf?(stream: string): string;
  /** null deletes the row. */
  project(state: State | undefined, event: RecordedEvent): State | null | 'ignore';
  /** The whole row. Give full text only once the stream has ended: each write indexes it again. */
  fields(state: State): Fields;
  /** True when no further event is expected: the state need not be kept. */
  ended(state: State): boolean;
}

/** One row in a search index per event; its id is the event's, or in a numbered index says the event's position. */
export interface EventRowProjection extends ProjectionBase {
  readonly kind: 'event-row';
  readonly index: IndexDefinition;
  /** undefined for an event that makes no row. */
  fieldsOf(event: RecordedEvent): Fields | undefined;
}

/** A row as it is written: whole; null deletes it. */
export interface RowChange {
  readonly id: string;
  readonly fields: Fields | null;
}

/** Rows in a search index, any number of them for each stream; ids must not meet those that other streams make. */
export interface StreamRowsProjection<State = unknown> extends ProjectionBase {
  readonly kind: 'stream-rows';
  readonly index: Omit<IndexDefinition, 'numbered'>;
  /** Whether the stream makes rows. */
  concerns(stream: string): boolean;
  /** The state is what later events need to know of the rows; undefined before the first. */
  project(
    state: State | undefined,
    event: RecordedEvent,
  ): 'ignore' | { readonly state: State; readonly rows: readonly RowChange[] };
}

export type RowProjection = StreamRowProjection | EventRowProjection | StreamRowsProjection;

export type Projection = DocumentProjection | RowProjection;

export const projectionChannel = (name: string) => `projection:${name}`;
