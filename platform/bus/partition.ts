// Which partition of a topic a key's records go to, as Kafka's default partitioners have it (Java's Utils.murmur2 and
// toPositive, kafkajs's DefaultPartitioner), so that embedded and distributed mode agree.

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** Kafka's murmur2 of some bytes, as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length & ~3;
  let hash = SEED ^ bytes.length;
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(view.getInt32(at, true), M);
    word = Math.imul(word ^ (word >>> R), M);
    hash = Math.imul(hash, M) ^ word;
  }
  const rest = bytes.length - whole;
  if (rest === 3) hash ^= view.getUint8(whole + 2) << 16;
  if (rest >= 2) hash ^= view.getUint8(whole + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ view.getUint8(whole), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** The partition of a key in a topic of so many partitions. */
export const partitionOfKey = (key: string, partitions: number): number =>
  (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;

/** The partition of a stream's events in whichever topic; `keyOf` names the key of those that are kept in order together. */
export const createPartitionOf =
  (partitions: number, keyOf: (stream: string) => string = (stream) => stream) =>
  (_topic: string, stream: string): number =>
    partitionOfKey(keyOf(stream), partitions);
