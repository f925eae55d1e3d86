// Where a lost checkpoint was. Each transaction holds a whole range of the log and commits in its order, so the highest
// position of all committed records is the position of the last checkpoint.

import { v7 } from 'uuid';
import type { Admin, Consumer, Kafka } from 'kafkajs';
import { StartError } from '../errors.ts';
import { generationOf, positionOf } from '../kafka/event-message.ts';
import { within } from '../patience/within.ts';
import type { RelayCheckpoint } from './relay-target.ts';

/** Offsets to look at, from a partition's end: markers and aborted records are among them. */
const FIRST_WINDOW = 1_000n;
const READ_MS = 60_000;

interface Range {
  readonly topic: string;
  readonly partition: number;
  readonly low: bigint;
  readonly high: bigint;
}

/**
 * The last record of each partition is read, committed. Undefined when nothing was ever written. Rejects with `StartError`
 * when records were there and all are gone: what was written cannot be told then.
 */
export async function findLastWritten(
  kafka: Kafka,
  { topics, name }: { readonly topics: readonly string[]; readonly name: string },
): Promise<RelayCheckpoint | undefined> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const ranges = (await Promise.all(topics.map((topic) => rangesOf(admin, topic)))).flat();
    let open = ranges.filter(({ low, high }) => high > low);
    let last: RelayCheckpoint | undefined;
    for (let window = FIRST_WINDOW; open.length > 0; window *= 10n) {
      const from = new Map(ranges.map((range) => [nameOf(range), range.high]));
      for (const { topic, partition, low, high } of open) {
        from.set(nameOf({ topic, partition }), high - window > low ? high - window : low);
      }
      const found = await readLast(kafka, `${name}.recovery.${v7()}`, ranges, from);
      for (const checkpoint of found.values()) {
        if (!last || checkpoint.position > last.position) last = checkpoint;
      }
      open = open.filter((range) => !found.has(nameOf(range)) && range.high - window > range.low);
    }
    if (!last && ranges.some(({ low }) => low > 0n)) {
      throw new StartError(
        'the relay has lost its checkpoint, and Kafka has deleted every record that could tell where it was: ' +
          'events may be written twice or left out; delete and migrate the topics to begin anew',
      );
    }
    return last;
  } finally {
    await admin.disconnect();
  }
}

const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }) =>
  `${topic}/${partition}`;

async function rangesOf(admin: Admin, topic: string): Promise<Range[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.map(({ partition, low, high }) => ({ topic, partition, low: BigInt(low), high: BigInt(high) }));
}

/** The last committed record of each range that has one at or after the offset in `begin`. */
async function readLast(
  kafka: Kafka,
  groupId: string,
  ranges: readonly Range[],
  begin: ReadonlyMap<string, bigint>,
): Promise<Map<string, RelayCheckpoint>> {
  const found = new Map<string, RelayCheckpoint>();
  const isWanted = (range: Range) => (begin.get(nameOf(range)) ?? range.high) < range.high;
  const unread = new Map(ranges.filter(isWanted).map((range) => [nameOf(range), range.high]));
  const done = Promise.withResolvers<void>();
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 100,
    retry: { retries: 4, restartOnFailure: async () => false },
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error));
  // Told also of batches that hold nothing but markers and aborted records.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const name = nameOf(payload);
    const high = unread.get(name);
    if (high !== undefined && BigInt(payload.lastOffset) + 1n >= high) unread.delete(name);
    if (unread.size === 0) done.resolve();
  });
  try {
    await within(READ_MS, read(consumer, done.promise), 'reading the last records of the topics');
    return found;
  } finally {
    await consumer.disconnect();
  }

  async function read(from: Consumer, finished: Promise<void>): Promise<void> {
    await from.connect();
    await from.subscribe({ topics: [...new Set(ranges.map(({ topic }) => topic))], fromBeginning: true });
    await from.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        const { topic, partition, messages } = payload.batch;
        for (const message of messages) payload.resolveOffset(message.offset);
        const last = messages.at(-1);
        if (!last) return;
        const checkpoint = tryRead(last, done.reject);
        if (checkpoint) found.set(nameOf({ topic, partition }), checkpoint);
      },
    });
    for (const range of ranges) {
      const offset = String(begin.get(nameOf(range)) ?? range.high);
      from.seek({ topic: range.topic, partition: range.partition, offset });
    }
    await finished;
  }
}

function tryRead(
  message: Parameters<typeof positionOf>[0],
  fail: (reason: unknown) => void,
): RelayCheckpoint | undefined {
  try {
    return { position: positionOf(message), generation: generationOf(message) };
  } catch (err) {
    fail(err);
    return undefined;
  }
}
