// The records of the checkpoint topic: under one key the last checkpoint, under another the last claim. The topic is
// compacted, so of each key the newest is kept for ever.

import type { Message } from 'kafkajs';
import { asError, StartError } from '../errors.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../kafka/relay-checkpoint.ts';
import type { RelayCheckpoint } from './relay-target.ts';

const CLAIM_KEY = 'claim';

export const checkpointMessage = (checkpoint: RelayCheckpoint): Message => ({
  ...encodeCheckpoint(checkpoint),
  partition: 0,
});

/** Written by a session when it opens: who reads up to its own claim has read every checkpoint before it. */
export const claimMessage = (claim: string): Message => ({ key: CLAIM_KEY, value: claim, partition: 0 });

/** A record of the topic; throws `StartError` for what no relay has written. */
export function readCheckpointRecord(
  topic: string,
  record: { readonly key: Buffer | null; readonly value: Buffer | null; readonly offset: string },
): RelayCheckpoint | { readonly claim: string } {
  if (record.key?.toString() === CLAIM_KEY) return { claim: String(record.value) };
  try {
    return decodeCheckpoint(record.value);
  } catch (cause) {
    throw new StartError(
      `${topic}, offset ${record.offset}: ${asError(cause).message}; this topic is for the relay alone`,
    );
  }
}
