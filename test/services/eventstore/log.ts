// The stand-in's log: the embedded store, with EventStoreDB's positions (far apart, so that nobody counts on the next
// number) and now and then an event of the server's own among the others, as a real log has.

import { randomUUID } from 'node:crypto';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import type { Appended, ExpectedRevision } from '#platform/event-store/event-store.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';

export interface StandInLog {
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended>;
  readStream(
    stream: string,
    options: { readonly from: number | undefined; readonly limit: number; readonly backwards: boolean },
  ): Promise<RecordedEvent[]>;
  /** From this position on, it included; the whole log from undefined, nothing from beyond the end. */
  readForwards(from: bigint | undefined, limit: number): Promise<RecordedEvent[]>;
  /** Before this position; from the end when undefined. */
  readBackwards(before: bigint | undefined, limit: number): Promise<RecordedEvent[]>;
  /** After this position; the whole log from undefined, what comes from now on from beyond the end. */
  subscribe(after: bigint | undefined, signal: AbortSignal): Promise<AsyncIterable<readonly RecordedEvent[]>>;
  head(): Promise<bigint>;
  writeSystemEvents(count: number): Promise<void>;
  close(): Promise<void>;
}

/** The server reads its files from there, where no record begins. */
export class InvalidPosition extends Error {
  override name = 'InvalidPosition';
}

const apart = 131n;
const first = 57n;
const systemEventEvery = 25;
const pageLength = 500;

const outside = (position: bigint): bigint => position * apart + first;

function inside(position: bigint): bigint {
  if (position < first || (position - first) % apart !== 0n)
    throw new InvalidPosition(`no record begins at ${position}`);
  return (position - first) / apart;
}

const placed = (event: RecordedEvent): RecordedEvent => ({ ...event, position: outside(event.position) });

async function* placedChunks(chunks: AsyncIterable<readonly RecordedEvent[]>) {
  for await (const chunk of chunks) yield chunk.map(placed);
}

export async function openStandInLog(folder: string): Promise<StandInLog> {
  const store = await openSqliteEventStore({ folder });
  let appends = 0;

  /** Where the server takes up: a place beyond the end is the end, whatever is asked. */
  async function onwards(position: bigint): Promise<bigint> {
    const head = await store.head();
    return position > outside(head) ? head + 1n : inside(position);
  }

  async function writeSystemEvents(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) await store.append('$stats-127.0.0.1:2113', [systemEvent()], 'any');
  }

  return {
    async append(stream, events, expected) {
      const appended = await store.append(stream, events, expected);
      appends += 1;
      if (appends % systemEventEvery === 0) await writeSystemEvents(1);
      return { ...appended, position: outside(appended.position) };
    },
    async readStream(stream, { from, ...options }) {
      return (await store.readStream(stream, from === undefined ? options : { ...options, from })).map(placed);
    },
    async readForwards(from, limit) {
      const after = from === undefined ? 0n : (await onwards(from)) - 1n;
      return (await store.readAll(after < 0n ? 0n : after, limit)).map(placed);
    },
    async readBackwards(before, limit) {
      const events: RecordedEvent[] = [];
      let upper = before === undefined ? (await store.head()) + 1n : inside(before);
      while (upper > 1n && events.length < limit) {
        const lower = upper - 1n - BigInt(pageLength) > 0n ? upper - 1n - BigInt(pageLength) : 0n;
        const page = (await store.readAll(lower, pageLength)).filter(({ position }) => position < upper);
        events.push(...page.toReversed());
        upper = lower + 1n;
      }
      return events.slice(0, limit).map(placed);
    },
    async subscribe(after, signal) {
      const head = await store.head();
      const from = after === undefined ? 0n : await onwards(after);
      return placedChunks(store.subscribeAll(from > head ? head : from, signal));
    },
    async head() {
      const head = await store.head();
      return head === 0n ? 0n : outside(head);
    },
    writeSystemEvents,
    close: () => store.close(),
  };
}

function systemEvent(): NewEvent {
  return { id: randomUUID(), type: '$statsCollected', data: { 'proc-cpu': 1 }, metadata: {} as NewEvent['metadata'] };
}
