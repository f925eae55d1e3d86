// I3: Kafka, read committed, equals the streams up to the checkpoint; and once all is quiet, that is the whole log.

import { topicOf } from '#events/aggregates.ts';
import { partitionOfKey } from '#platform/bus/partition.ts';
import { checkRelayed } from './check-relayed.ts';
import type { History, Violation } from './history.ts';

export function relayFaults({ log, relayed }: History): Violation[] {
  if (!relayed) return [];
  const { records, checkpoint, partitions } = relayed;
  const sentences = checkRelayed({
    log,
    records: new Map(Object.entries(records)),
    topicOf,
    partitionOf: (_topic, stream) => partitionOfKey(stream, partitions),
    checkpoint,
  });
  const last = log.at(-1);
  if (last && checkpoint < last.position)
    sentences.push(`the relay stands at ${checkpoint}, and the log goes on to ${last.position}`);
  // What is wrong with the log itself is told by I1.
  const own = sentences.filter((sentence) => !/^(?:log out of order|twice in the log):/.test(sentence));
  return own.map((sentence) => ({ invariant: 'I3', sentence }));
}
