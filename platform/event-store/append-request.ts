// An append as it goes to the adapter that stores JSON text. The text made here is the text stored: nothing after it
// parses and prints it again, because the audit's hashes are taken over the stored bytes.
// It crosses to the append thread as one flat array, which is by far the cheapest to clone.

import type { NewEvent } from '#events/envelope.ts';
import { type ExpectedRevision, EventRefused, EventTooLarge } from './event-store.ts';

/** Of an event's data and metadata as JSON. EventStoreDB appends and Kafka messages are made for events this small. */
const largestEventBytes = 65_536;

export interface EventText {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

export interface AppendRequest {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly EventText[];
}

/** Stream, expected revision, then id, type, data, metadata of each event. */
export type PackedAppend = readonly (string | number)[];

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const words: readonly unknown[] = ['no_stream', 'stream_exists', 'any'];

/** Throws `EventRefused` for what no log could hold. */
export function createAppendRequest(
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision,
): AppendRequest {
  if (stream === '' || !stream.isWellFormed()) throw new EventRefused('the stream has no valid name');
  if (typeof expected === 'number' ? !(Number.isSafeInteger(expected) && expected >= 0) : !words.includes(expected)) {
    throw new EventRefused(`${stream}: ${expected} is not an expected revision`);
  }
  if (events.length === 0) throw new EventRefused(`${stream}: an append needs at least one event`);
  if (events.length > 1 && new Set(events.map(({ id }) => id)).size < events.length) {
    throw new EventRefused(`${stream}: two events of one append have the same id`);
  }
  return { stream, expected, events: events.map(eventText) };
}

export function packAppend({ stream, expected, events }: AppendRequest): PackedAppend {
  const packed: (string | number)[] = [stream, expected];
  for (const { id, type, data, metadata } of events) packed.push(id, type, data, metadata);
  return packed;
}

export function unpackAppend(packed: PackedAppend): AppendRequest {
  const events: EventText[] = [];
  for (let at = 2; at < packed.length; at += 4) {
    const [id, type, data, metadata] = packed.slice(at, at + 4) as [string, string, string, string];
    events.push({ id, type, data, metadata });
  }
  return { stream: packed[0] as string, expected: packed[1] as ExpectedRevision, events };
}

/** Bytes are what the log stores; UTF-16 units are near enough to bound a queue. */
export function requestSize({ events }: AppendRequest): number {
  let size = 0;
  for (const { data, metadata } of events) size += data.length + metadata.length;
  return size;
}

function eventText({ id, type, data, metadata }: NewEvent): EventText {
  if (!uuid.test(id)) throw new EventRefused(`${type}: id ${id} is not a UUID in lower case`);
  if (type === '' || !type.isWellFormed()) throw new EventRefused('an event has no valid type');
  const text = { id, type, data: json(type, 'data', data), metadata: json(type, 'metadata', metadata) };
  if (isTooLarge(text)) throw new EventTooLarge(`${type} is larger than ${largestEventBytes} bytes of JSON`);
  return text;
}

/** A UTF-16 unit is at most three bytes, so most events need no counting. */
function isTooLarge({ data, metadata }: EventText): boolean {
  if ((data.length + metadata.length) * 3 <= largestEventBytes) return false;
  return Buffer.byteLength(data) + Buffer.byteLength(metadata) > largestEventBytes;
}

function json(type: string, part: string, value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new EventRefused(`${type}: ${part} cannot be written as JSON`, { cause: error });
  }
  if (text === undefined) throw new EventRefused(`${type}: ${part} cannot be written as JSON`);
  return text;
}
