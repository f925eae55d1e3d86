// I3: what Kafka holds, read committed, equals the streams: same order, no loss, no duplicate, up to the checkpoint.

import { isDeepStrictEqual } from 'node:util';
import type { RecordedEvent } from '#events/envelope.ts';
import { partitionName } from '#platform/positions.ts';

/** A record as a read-committed consumer got it. */
export interface RelayedRecord {
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  /** Compared with the event's where it is there. */
  readonly data?: unknown;
}

export interface RelayedHistory {
  /** Every event of the log, in its order. */
  readonly log: readonly RecordedEvent[];
  /** `<topic>/<partition>` to its records, in the order of their offsets. */
  readonly records: ReadonlyMap<string, readonly RelayedRecord[]>;
  readonly topicOf: (stream: string) => string | undefined;
  readonly partitionOf: (topic: string, stream: string) => number;
  /** The last one committed; 0n without any. */
  readonly checkpoint: bigint;
}

/** One sentence for each thing that is wrong; empty when I3 holds. */
export function checkRelayed({ log, records, topicOf, partitionOf, checkpoint }: RelayedHistory): string[] {
  const violations: string[] = [];
  const events = new Map<string, RecordedEvent>();
  const places = new Map<string, string>();
  let before = 0n;
  for (const event of log) {
    if (event.position <= before)
      violations.push(`log out of order: ${describe(event)} comes after position ${before}`);
    before = event.position;
    if (events.has(event.id)) violations.push(`twice in the log: ${describe(event)}`);
    events.set(event.id, event);
    const topic = topicOf(event.stream);
    if (topic === undefined) violations.push(`no topic: ${describe(event)}`);
    else places.set(event.id, partitionName(topic, partitionOf(topic, event.stream)));
  }
  if (checkpoint !== 0n && !log.some(({ position }) => position === checkpoint)) {
    violations.push(`checkpoint ${checkpoint} is no event's position`);
  }

  const seen = new Set<string>();
  for (const [place, relayed] of records) {
    let last = 0n;
    for (const record of relayed) {
      const event = events.get(record.id);
      if (!event) {
        violations.push(`foreign: ${describe(record)} in ${place} is not in the log`);
        continue;
      }
      if (seen.has(record.id)) {
        violations.push(`doubled: ${describe(record)} again in ${place}`);
        continue;
      }
      seen.add(record.id);
      if (!isSame(event, record)) violations.push(`altered: ${describe(record)} in ${place} was ${describe(event)}`);
      if (places.get(record.id) !== place) violations.push(`misplaced: ${describe(record)} in ${place}`);
      if (event.position > checkpoint)
        violations.push(`beyond checkpoint ${checkpoint}: ${describe(record)} in ${place}`);
      if (event.position < last) violations.push(`reordered: ${describe(record)} in ${place} after position ${last}`);
      else last = event.position;
    }
  }
  for (const event of log) {
    if (event.position <= checkpoint && !seen.has(event.id)) {
      violations.push(`lost: ${describe(event)}, at or before checkpoint ${checkpoint}`);
    }
  }
  return violations;
}

const describe = ({ id, type, stream, revision, position }: RelayedRecord) =>
  `${type} ${id} (${stream} revision ${revision}, position ${position})`;

function isSame(event: RecordedEvent, record: RelayedRecord): boolean {
  if (describe(event) !== describe(record)) return false;
  // A decoder may give its records a class of their own.
  return !('data' in record) || isDeepStrictEqual(structuredClone(event.data), structuredClone(record.data));
}
