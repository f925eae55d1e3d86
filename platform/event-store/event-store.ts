// The port to the log: the source of truth. Its rules are EventStoreDB's, whatever the adapter:
// - `append` is atomic, and durable when it resolves.
// - Idempotence: appending the same ids again at the same numeric revision or `no_stream` answers as the first time did;
//   only ids are compared, never bodies, so an id must be derived from its body. Ids equal only in part are an error.
//   With `any` and `stream_exists` a repeat is recognised on a best effort (a bounded memory of recent ids).
//   At the stream's present revision an event is appended even if its id was written before.
// - An error other than `WrongExpectedRevision` or `EventRefused` leaves the outcome unknown; adapters retry with the same
//   ids and revision until their deadline, and then reject with `AppendOutcomeUnknown`: the caller may retry likewise.
// Not in it: schemas (see event-codec.ts), encryption, deciding.

import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { finalError, transientError } from '../errors.ts';

/** A number is the revision of the stream's last event. */
export type ExpectedRevision = number | 'no_stream' | 'stream_exists' | 'any';

export interface Appended {
  /** Of the last event appended. */
  readonly revision: number;
  readonly position: bigint;
  /** When, in milliseconds since the epoch, if the log tells it with the append; else the event must be read for it. */
  readonly recordedAt?: number;
}

export interface ReadStreamOptions {
  /** First revision to read; default 0, or the last one when backwards. */
  readonly from?: number;
  /** At most this many events; default 1,000. */
  readonly limit?: number;
  readonly backwards?: boolean;
}

/** What a subscription may spare itself. */
export interface SubscriptionChoice {
  /**
   * Of streams whose names do not begin with one of these and a dash, events may be left out: who wants few of many events
   * spares the reading of the others. All are wanted where it is left out.
   */
  readonly only?: ReadonlySet<string>;
  /** Told, after the events before it, of an event up to which the log was read though those last ones were left out. */
  readonly passed?: (position: bigint) => void;
}

export interface EventStore {
  /** Refuses with `WrongExpectedRevision`, `EventRefused` (does not fit its schema; `EventTooLarge`), `AppendOutcomeUnknown`. */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended>;
  /** Empty for a stream that does not exist. */
  readStream(stream: string, options?: ReadStreamOptions): Promise<RecordedEvent[]>;
  /** Events of the whole log with a position greater than `after` (0n, or one that it gave), in order, at most `limit`. */
  readAll(after: bigint, limit: number): Promise<RecordedEvent[]>;
  /** The position of the last event; 0n for an empty log. */
  head(): Promise<bigint>;
  /** Catches up from `after` (exclusive, as with `readAll`), then stays live; in chunks. Ends when the signal aborts; throws when dropped. */
  subscribeAll(
    after: bigint,
    signal: AbortSignal,
    choice?: SubscriptionChoice,
  ): AsyncIterable<readonly RecordedEvent[]>;
  /** Changes when the log is restored from a backup: checkpoints and tokens of another generation are void. */
  readonly generation: string;
  close(): Promise<void>;
}

export class WrongExpectedRevision extends finalError('wrong-expected-revision') {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  /** The stream's last revision; undefined when it does not exist. */
  readonly actual: number | undefined;
  constructor(stream: string, expected: ExpectedRevision, actual: number | undefined) {
    super(`${stream} is at revision ${actual ?? 'none'}, expected ${expected}`);
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

/** The event cannot be written whatever one does: it does not encode by its schema. The program is to blame. */
export class EventRefused extends finalError<string>('event-refused') {}

/** It is larger than an event may be: what the caller gave does not fit into one. */
export class EventTooLarge extends EventRefused {
  override readonly code = 'event-too-large';
}

/** The append may or may not have happened; the same append may be tried again. */
export class AppendOutcomeUnknown extends transientError('append-outcome-unknown') {}

/** More appends are waiting than the store takes in; nothing was written. */
export class EventStoreBusy extends transientError('event-store-busy') {}

/** An event in the log has a type or schema version that this program does not know. */
export class LogIsNewer extends finalError('log-is-newer') {}
