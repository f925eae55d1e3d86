// A read's answers, decoded straight from protobuf's wire format: the generated classes and the client's conversion cost
// several times what the rest of reading an event costs, and the relay reads every event.
// Field numbers: event_store.client.streams.ReadResp, https://github.com/EventStore/EventStore (Protos/Grpc/streams.proto);
// encoding: https://protobuf.dev/programming-guides/encoding/. Unknown fields are passed over, as protobuf wants it.

/** An event as the server holds it; its bytes are not looked into. */
export interface ServerEvent {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly commit: bigint;
  readonly prepare: bigint;
  readonly type: string;
  readonly isJson: boolean;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly data: Buffer;
  readonly metadata: Buffer;
}

export type ReadAnswer =
  | { readonly kind: 'event'; readonly event: ServerEvent | undefined; readonly link: ServerEvent | undefined }
  | { readonly kind: 'confirmation' }
  | { readonly kind: 'stream-not-found' }
  /** Checkpoints, caught up, fell behind, and what later servers will say. */
  | { readonly kind: 'other' };

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

type Field = (reader: Reader, field: number, end: number) => void;

export function decodeReadAnswer(bytes: Buffer): ReadAnswer {
  let answer: ReadAnswer = { kind: 'other' };
  eachField({ bytes, at: 0 }, bytes.length, (reader, field, end) => {
    if (field === 1) answer = readEvent(reader, end);
    else if (field === 2) answer = { kind: 'confirmation' };
    else if (field === 4) answer = { kind: 'stream-not-found' };
  });
  return answer;
}

function readEvent(reader: Reader, end: number): ReadAnswer {
  let event: ServerEvent | undefined;
  let link: ServerEvent | undefined;
  eachField(reader, end, (inner, field, innerEnd) => {
    if (field === 1) event = readRecord(inner, innerEnd);
    else if (field === 2) link = readRecord(inner, innerEnd);
  });
  return { kind: 'event', event, link };
}

const nothing = Buffer.alloc(0);

function readRecord(reader: Reader, end: number): ServerEvent {
  const properties = { type: '', 'content-type': '', created: '0' } as Record<string, string>;
  let id = '';
  let stream = '';
  let revision = 0n;
  let prepare = 0n;
  let commit = 0n;
  let metadata: Buffer = nothing;
  let data: Buffer = nothing;
  eachField(reader, end, (inner, field, innerEnd) => {
    if (field === 1) id = readUuid(inner, innerEnd);
    else if (field === 2) stream = readStreamName(inner, innerEnd);
    else if (field === 3) revision = readVarint(inner);
    else if (field === 4) prepare = readVarint(inner);
    else if (field === 5) commit = readVarint(inner);
    else if (field === 6) readProperty(inner, innerEnd, properties);
    else if (field === 7) metadata = inner.bytes.subarray(inner.at, innerEnd);
    else if (field === 8) data = inner.bytes.subarray(inner.at, innerEnd);
  });
  return {
    id,
    stream,
    revision: Number(revision),
    commit,
    prepare,
    type: properties['type'] ?? '',
    isJson: properties['content-type'] === 'application/json',
    // In ticks of 100 ns.
    created: Number(BigInt(properties['created'] ?? 0) / 10_000n),
    data,
    metadata,
  };
}

function readUuid(reader: Reader, end: number): string {
  let id = '';
  eachField(reader, end, (inner, field, innerEnd) => {
    if (field === 2) id = inner.bytes.toString('utf8', inner.at, innerEnd);
    else if (field === 1) id = readStructuredUuid(inner, innerEnd);
  });
  return id;
}

function readStructuredUuid(reader: Reader, end: number): string {
  let [most, least] = [0n, 0n];
  eachField(reader, end, (inner, field) => {
    if (field === 1) most = BigInt.asUintN(64, readVarint(inner));
    else if (field === 2) least = BigInt.asUintN(64, readVarint(inner));
  });
  const hex = most.toString(16).padStart(16, '0') + least.toString(16).padStart(16, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function readStreamName(reader: Reader, end: number): string {
  let name = '';
  eachField(reader, end, (inner, field, innerEnd) => {
    if (field === 3) name = inner.bytes.toString('utf8', inner.at, innerEnd);
  });
  return name;
}

function readProperty(reader: Reader, end: number, properties: Record<string, string>): void {
  let [key, value] = ['', ''];
  eachField(reader, end, (inner, field, innerEnd) => {
    if (field === 1) key = inner.bytes.toString('utf8', inner.at, innerEnd);
    else if (field === 2) value = inner.bytes.toString('utf8', inner.at, innerEnd);
  });
  if (Object.hasOwn(properties, key)) properties[key] = value;
}

/** `visit` gets each field where its content begins, and where it ends (of no meaning for a varint, which it may read). */
function eachField(reader: Reader, end: number, visit: Field): void {
  while (reader.at < end) {
    const tag = Number(readVarint(reader));
    const wireType = tag & 7;
    if (wireType === 0) {
      const begin = reader.at;
      visit(reader, tag >>> 3, end);
      if (reader.at === begin) readVarint(reader);
      continue;
    }
    const length = wireType === 2 ? Number(readVarint(reader)) : wireType === 1 ? 8 : wireType === 5 ? 4 : NaN;
    const contentEnd = reader.at + length;
    if (!(contentEnd <= end)) throw new RangeError('this is not a message of EventStoreDB');
    visit(reader, tag >>> 3, contentEnd);
    reader.at = contentEnd;
  }
}

function readVarint(reader: Reader): bigint {
  let low = 0;
  let scale = 1;
  // Exact in a double up to seven bytes; longer ones are rare.
  for (let count = 0; count < 7; count += 1) {
    const byte = nextByte(reader);
    low += (byte & 0x7f) * scale;
    if (byte < 0x80) return BigInt(low);
    scale *= 0x80;
  }
  let value = BigInt(low);
  for (let shift = 49n; shift < 70n; shift += 7n) {
    const byte = nextByte(reader);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new RangeError('this is not a message of EventStoreDB');
}

function nextByte(reader: Reader): number {
  const byte = reader.bytes[reader.at];
  if (byte === undefined) throw new RangeError('this is not a message of EventStoreDB');
  reader.at += 1;
  return byte;
}
