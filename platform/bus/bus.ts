// The port through which services receive the log's events, by topic and partition. A partition's events come in order of
// position, at least once, to one member of a consumer group at a time; nothing is promised between partitions.
// Not in it: dead letters and retries, what a handler does with an event.

import type { RecordedEvent } from '#events/envelope.ts';
import type { Positions } from '../positions.ts';

export interface Delivery {
  readonly event: RecordedEvent;
  readonly topic: string;
  readonly partition: number;
}

/** Where a consumer names no other `mostOpen`. */
export const MOST_OPEN = 10_000;

export interface ConsumerOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Deliveries handed over at once, at most. */
  readonly maxBatch: number;
  /** Events handed over and not acknowledged, beyond which no more are read; `MOST_OPEN` unless named. */
  readonly mostOpen?: number;
  /**
   * Where the group keeps its positions itself, beside what it writes; read at start and after each rebalance. Without it
   * the bus keeps them, from `ack`.
   */
  readonly positions?: () => Promise<Positions>;
  /** Called, and awaited, before the first deliveries of partitions (`<topic>/<partition>`) newly given to this member. */
  readonly assigned?: (partitions: readonly string[]) => Promise<void>;
  /**
   * Takes one batch; the next comes when the promise resolves. `ack` says that an event is done; the group's position
   * moves to the last event before the first one not yet acknowledged, so work may overlap batches. Each delivery wants
   * its own `ack`, also one that repeats an event still at work. A rejection stops the consumer and is reported by
   * `failed`: what should be retried is the handler's to retry.
   */
  readonly handle: (batch: readonly Delivery[], ack: (delivery: Delivery) => void) => Promise<void>;
}

export interface Consumer {
  /** Resolves with the reason when the consumer stopped by itself; never when it was stopped. */
  readonly failed: Promise<Error>;
  /** Events between the group's position and the head of the log that it still has to see; an upper bound. */
  lag(): Promise<number>;
  /**
   * Per partition that this member has, up to where the group is done as far as the bus knows. Where members read the whole
   * log, partitions in which nothing came move too, and a group that keeps its own positions writes them down now and then
   * (a start would read the log from there); where each partition is read by itself they stand still. Empty while other
   * members are at work on all of them.
   */
  positions(): Positions;
  /** True once it has reached the head that the log had when it started. */
  caughtUp(): boolean;
  /** Stops taking events, waits for the running batch, and keeps the positions acknowledged so far. */
  stop(): Promise<void>;
}

export interface Bus {
  consume(options: ConsumerOptions): Promise<Consumer>;
  /** Which partition a stream's events are in; the same in every adapter (Kafka's murmur2 of the key). */
  partitionOf(topic: string, stream: string): number;
  close(): Promise<void>;
}
