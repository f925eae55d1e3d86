// The record that says up to where the log is in Kafka: written in the transaction of the events before it, on a topic of
// one partition that keeps the last record of each key.

import { MalformedRecord } from './event-message.ts';

export interface RelayCheckpoint {
  /** Of the last event whose record is in Kafka. */
  readonly position: bigint;
  /** Of the log. */
  readonly generation: string;
}

export const encodeCheckpoint = ({ position, generation }: RelayCheckpoint) => ({
  key: 'relay',
  value: JSON.stringify({ position: String(position), generation }),
});

/** Throws `MalformedRecord`. */
export function decodeCheckpoint(value: Buffer | null): RelayCheckpoint {
  try {
    const { position, generation } = JSON.parse(String(value)) as { position?: unknown; generation?: unknown };
    if (typeof position === 'string' && /^\d{1,20}$/.test(position) && typeof generation === 'string') {
      return { position: BigInt(position), generation };
    }
  } catch (cause) {
    throw new MalformedRecord('a checkpoint of the relay is not JSON', { cause });
  }
  throw new MalformedRecord(`a checkpoint of the relay is none: ${String(value)}`);
}
