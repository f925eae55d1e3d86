// The port through which the relay writes the log's events to their topics, each exactly once. Several relays may use one
// target: membership (turn) lets one work at a time, fencing (open) makes sure of it, whoever still believes to be at work.
// A batch and its checkpoint become visible together or not at all; readers must read committed.
// Not in it: which events, in which topic and partition, in what batches (workers/relay).

import type { RecordedEvent } from '#events/envelope.ts';
import { transientError } from '../errors.ts';

/** Everything in the log up to here has been written. */
export interface RelayCheckpoint {
  /** Of the last event written. */
  readonly position: bigint;
  /** Of the event store: a position means nothing in another generation. */
  readonly generation: string;
}

export interface RoutedEvent {
  readonly event: RecordedEvent;
  readonly topic: string;
  readonly partition: number;
}

/** An event ready to be written by the target that encoded it. */
export interface EncodedEvent {
  /** As the target calls it. */
  readonly topic: string;
  readonly partition: number;
  readonly position: bigint;
  /** As written, about. */
  readonly bytes: number;
  /** The target's own. */
  readonly message: unknown;
}

/** What one `write` may hold. */
export interface RelayLimits {
  readonly maxEvents: number;
  /** Of all events: what can be written well within the target's deadline. */
  readonly maxBytes: number;
  /** Of events for one partition. */
  readonly maxPartitionBytes: number;
}

export interface RelayTarget {
  /**
   * Waits, for as long as it takes, until this relay is the one to work. Rejects with `Interrupted` when the signal
   * aborts, and with a `StartError` when the target can never be written to (a checkpoint topic of several partitions).
   */
  turn(signal: AbortSignal): Promise<RelayTurn>;
  /**
   * In the order given. Rejects with an error of `retriable: false` when an event can never be encoded; it names the
   * event. Any other error may pass.
   */
  encode(events: readonly RoutedEvent[]): Promise<readonly EncodedEvent[]>;
  readonly limits: RelayLimits;
  /** What keeps the target out of reach, as a sentence; null while it answers. */
  waitsFor(): string | null;
  /** Rejects with that sentence. */
  health(): Promise<void>;
  /** Leaves at once, so that another may work. */
  close(): Promise<void>;
}

export interface RelayTurn {
  /** Aborts when another may work. */
  readonly lost: AbortSignal;
  /**
   * Fences every earlier session, of whatever process, and then reads the checkpoint. Rejects when it cannot, and then
   * the turn may open again; with a `StartError` when that is no use.
   */
  open(): Promise<RelaySession>;
}

export interface RelaySession {
  /**
   * As it was when the session opened; undefined when nothing was ever written. One that was lost is recovered from what
   * is written.
   */
  readonly checkpoint: RelayCheckpoint | undefined;
  /**
   * Writes the events and the checkpoint, all or nothing. The events are in the log's order, the last one at the
   * checkpoint's position, all after the one before. Any rejection leaves it open whether they were written: the session
   * is of no more use, the next one's checkpoint tells. Rejects with `RelayFenced` when another session was opened since.
   */
  write(events: readonly EncodedEvent[], checkpoint: RelayCheckpoint): Promise<void>;
  /** Ends it, whatever is going on in it. */
  close(): Promise<void>;
}

/** Another session has been opened since: this one writes nothing any more. */
export class RelayFenced extends transientError('relay-fenced') {}
