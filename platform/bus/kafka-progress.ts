// How far a consumer group is in one partition of a Kafka topic: pure bookkeeping, in offsets (of Kafka) and positions (of
// the log). A record is open from when it is read until it is acknowledged; the partition is done up to its first open one.

import { createFifo } from '../fifo.ts';

export interface OpenRecord {
  readonly offset: bigint;
  readonly position: bigint;
  acknowledged: boolean;
}

export interface Done {
  /** Of the first record that is not done. */
  readonly offset: bigint;
  /** Of the last event that is done; every record before `offset` holds none after it. */
  readonly position: bigint;
}

export interface KafkaProgress {
  /**
   * Takes note of a record that was read. `past`: the group is past its position. `repeated`: an event that comes a second
   * time, or out of order.
   */
  read(offset: bigint, position: bigint): OpenRecord | 'past' | 'repeated';
  /** Says that all records before this offset were read, whatever they were. */
  readTo(offset: bigint): void;
  acknowledge(record: OpenRecord): void;
  /** The offset to read on from. */
  readonly next: bigint;
  /** Records read and not acknowledged. */
  readonly open: number;
  done(): Done;
}

export interface KafkaProgressOptions {
  /** Events up to this position were done when it began. */
  readonly past: bigint;
  /** Where reading begins. */
  readonly from: bigint;
}

export function createKafkaProgress({ past, from }: KafkaProgressOptions): KafkaProgress {
  /** From the first one not acknowledged on. */
  const records = createFifo<OpenRecord>();
  let open = 0;
  let next = from;
  let seen = 0n;
  let donePosition = past;

  return {
    read(offset, position) {
      if (position <= seen) return 'repeated';
      seen = position;
      if (position <= past) return 'past';
      const record: OpenRecord = { offset, position, acknowledged: false };
      records.push(record);
      open++;
      return record;
    },
    readTo(offset) {
      if (offset > next) next = offset;
    },
    acknowledge(record) {
      if (record.acknowledged) return;
      record.acknowledged = true;
      open--;
      for (let at = records.first; at?.acknowledged; at = records.first) {
        donePosition = at.position;
        records.drop();
      }
    },
    get next() {
      return next;
    },
    get open() {
      return open;
    },
    done: () => ({ offset: records.first?.offset ?? next, position: donePosition }),
  };
}
