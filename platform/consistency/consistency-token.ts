// What a write hands to its reader: "wait until you have seen this". Opaque, signed, of one holder (a person, in whichever
// tenant; of a key its tenant) and of one generation of the log.
//
// A token is base64url of `1 | generation (8) | holder (8) | entries | mac (16)`; an entry is `length, stream, length,
// topic, position (8, big endian)`, lengths one byte, an empty topic meaning the one before. Generation and holder
// stand as keyed digests, the mac is HMAC-SHA-256 cut to 128 bits. A client that made several writes sends their
// tokens joined by commas.

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';

export interface ConsistencyEntry {
  readonly stream: string;
  readonly topic: string;
  readonly position: bigint;
}

export type ConsistencyReading =
  | { readonly ok: true; readonly entries: readonly ConsistencyEntry[] }
  | { readonly ok: false; readonly reason: 'malformed' | 'forged' | 'other-holder' | 'other-generation' };

export interface ConsistencyTokens {
  /** A token for what a command wrote: header and URL safe. Throws RangeError beyond the bounds below. */
  issue(holder: string, entries: readonly ConsistencyEntry[]): string;
  /** Of a stream that several entries name, the highest position is answered. */
  read(holder: string, token: string): ConsistencyReading;
}

/** The most streams one command may write and one read may wait for. */
export const MOST_ENTRIES = 64;
/** The longest value of the header. Node accepts 16 KiB of headers in all. */
export const MOST_CHARACTERS = 8_192;
const MOST_TOKENS = 16;

const VERSION = 1;
const DIGEST = 8;
const MAC = 16;
const GENERATION_AT = 1;
const HOLDER_AT = GENERATION_AT + DIGEST;
const ENTRIES_AT = HOLDER_AT + DIGEST;
const MOST_HOLDERS_KNOWN = 1_000;

const BASE64URL = /^[A-Za-z0-9_-]+$/;

function writeEntries(into: Buffer, entries: readonly ConsistencyEntry[]): number {
  let at = ENTRIES_AT;
  let before = '';
  for (const { stream, topic, position } of entries) {
    if (topic === '') throw new RangeError('an entry names its topic');
    for (const text of [stream, topic === before ? '' : topic]) {
      const length = into.write(text, at + 1);
      if (length > 255) throw new RangeError('a stream or topic is longer than 255 bytes');
      into[at] = length;
      at += 1 + length;
    }
    before = topic;
    at = into.writeBigUInt64BE(position, at);
  }
  return at;
}

/** Of bytes whose mac was right. */
function readEntries(bytes: Buffer): ConsistencyEntry[] {
  const entries: ConsistencyEntry[] = [];
  let at = ENTRIES_AT;
  let topic = '';
  const text = () => {
    const length = bytes[at] ?? 0;
    at += 1 + length;
    return bytes.toString('utf8', at - length, at);
  };
  while (at < bytes.length - MAC) {
    const stream = text();
    topic = text() || topic;
    entries.push({ stream, topic, position: bytes.readBigUInt64BE(at) });
    at += 8;
  }
  return entries;
}

function highest(entries: readonly ConsistencyEntry[]): ConsistencyEntry[] {
  const found = new Map<string, ConsistencyEntry>();
  for (const entry of entries) {
    const name = `${entry.topic.length} ${entry.topic}${entry.stream}`;
    if ((found.get(name)?.position ?? -1n) < entry.position) found.set(name, entry);
  }
  return [...found.values()];
}

/** `generation` names the log's generation: a restored log does not honour tokens of the one before. */
export function createConsistencyTokens(options: {
  readonly secret: KeyObject;
  readonly generation: string;
}): ConsistencyTokens {
  const { secret } = options;
  const digest = (kind: string, text: string) =>
    createHmac('sha256', secret).update(`${kind} ${text}`).digest().subarray(0, DIGEST);
  const macOf = (bytes: Uint8Array) => createHmac('sha256', secret).update(bytes).digest().subarray(0, MAC);
  const generation = digest('generation', options.generation);
  const holders = new LRUCache<string, Buffer>({ max: MOST_HOLDERS_KNOWN });
  const holderDigest = (holder: string) => {
    const known = holders.get(holder);
    if (known) return known;
    const made = digest('holder', holder);
    holders.set(holder, made);
    return made;
  };

  const readOne = (holder: string, token: string): ConsistencyReading => {
    if (!BASE64URL.test(token)) return { ok: false, reason: 'malformed' };
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length < ENTRIES_AT + MAC || bytes[0] !== VERSION) return { ok: false, reason: 'malformed' };
    const end = bytes.length - MAC;
    if (!timingSafeEqual(macOf(bytes.subarray(0, end)), bytes.subarray(end))) return { ok: false, reason: 'forged' };
    if (bytes.compare(holderDigest(holder), 0, DIGEST, HOLDER_AT, HOLDER_AT + DIGEST) !== 0) {
      return { ok: false, reason: 'other-holder' };
    }
    if (bytes.compare(generation, 0, DIGEST, GENERATION_AT, GENERATION_AT + DIGEST) !== 0) {
      return { ok: false, reason: 'other-generation' };
    }
    return { ok: true, entries: readEntries(bytes) };
  };

  return {
    issue(holder, entries) {
      if (entries.length > MOST_ENTRIES) throw new RangeError(`a token holds at most ${MOST_ENTRIES} streams`);
      const most = entries.reduce((sum, { stream, topic }) => sum + 10 + 3 * (stream.length + topic.length), 0);
      const bytes = Buffer.allocUnsafe(ENTRIES_AT + most + MAC);
      bytes[0] = VERSION;
      bytes.set(generation, GENERATION_AT);
      bytes.set(holderDigest(holder), HOLDER_AT);
      const end = writeEntries(bytes, entries);
      bytes.set(macOf(bytes.subarray(0, end)), end);
      const token = bytes.toString('base64url', 0, end + MAC);
      if (token.length > MOST_CHARACTERS) throw new RangeError(`a token has at most ${MOST_CHARACTERS} characters`);
      return token;
    },
    read(holder, token) {
      if (token.length > MOST_CHARACTERS) return { ok: false, reason: 'malformed' };
      const parts = token.split(',');
      if (parts.length > MOST_TOKENS) return { ok: false, reason: 'malformed' };
      const entries: ConsistencyEntry[] = [];
      for (const part of parts) {
        const reading = readOne(holder, part.trim());
        if (!reading.ok) return reading;
        entries.push(...reading.entries);
      }
      if (entries.length > MOST_ENTRIES) return { ok: false, reason: 'malformed' };
      return { ok: true, entries: entries.length > 1 ? highest(entries) : entries };
    },
  };
}
