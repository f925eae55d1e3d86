// Large payloads, sealed (segments.ts) and named `<tenant>/<SHA-256 of the stored bytes>`. The name stands in an event,
// so the hash chain covers the payload, and it stays verifiable without any key.

import { createHash, type KeyObject } from 'node:crypto';
import type { DataKey, Keyring } from '../vault/keyring.ts';
import { SealBroken } from '../vault/sealing.ts';
import type { BlobStore } from './blob-store.ts';
import { HEADER, keyFromHeader, openSegment, SEALED_SEGMENT, SEGMENT, sealSegments } from './segments.ts';

/** Which blob, and by whose key: what an event says of it. */
export interface BlobReference {
  readonly tenantId: string;
  readonly keyId: string;
  readonly name: string;
}

export interface WrittenBlob extends BlobReference {
  /** Length before sealing. */
  readonly bytes: number;
}

export interface Blobs {
  /**
   * Writes what `source` yields, holding at most one segment of it; durable when it resolves. `key`: to share one data
   * key with other parts of an event; by default the tenant's of today.
   */
  write(tenantId: string, source: Uint8Array | AsyncIterable<Uint8Array>, key?: DataKey): Promise<WrittenBlob>;
  /**
   * All of a blob, checked against its name, or a range of its plaintext (what lies past the end is left out). Undefined
   * when there is no such blob, `erased` when its key is gone. Throws `SealBroken` when it was changed or cut off, or is
   * another tenant's.
   */
  read(
    blob: BlobReference,
    range?: { readonly offset: number; readonly length: number },
  ): Promise<Buffer | 'erased' | undefined>;
}

export function createBlobs({ store, keyring }: { readonly store: BlobStore; readonly keyring: Keyring }): Blobs {
  const keyOf = async ({ tenantId, keyId, name }: BlobReference) => {
    if (!name.startsWith(`${tenantId}/`)) throw new SealBroken('this blob belongs to another tenant');
    return keyring.keyOf(tenantId, keyId);
  };

  const readWhole = async (blob: BlobReference, dataKey: KeyObject) => {
    const stored = await store.read(blob.name);
    if (!stored) return undefined;
    const hash = createHash('sha256').update(stored).digest('hex');
    if (blob.name !== `${blob.tenantId}/${hash}`) throw new SealBroken('a blob is not what its name says');
    const key = keyFromHeader(dataKey, stored.subarray(0, HEADER));
    const parts: Buffer[] = [];
    for (let at = HEADER; parts.length === 0 || at < stored.length; at += SEALED_SEGMENT) {
      const last = at + SEALED_SEGMENT >= stored.length;
      parts.push(openSegment(key, parts.length, last, stored.subarray(at, at + SEALED_SEGMENT)));
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  };

  /** The plaintext of the segments from `first` to `final`; fewer when the blob ends before. */
  const readSegments = async (name: string, key: KeyObject, first: number, final: number) => {
    const count = final - first + 1;
    // One byte more than is needed tells whether the last of them is the blob's last.
    const stored = await store.read(name, {
      offset: HEADER + first * SEALED_SEGMENT,
      length: count * SEALED_SEGMENT + 1,
    });
    if (!stored) return undefined;
    const parts: Buffer[] = [];
    for (let at = 0; at < stored.length && parts.length < count; at += SEALED_SEGMENT) {
      const last = at + SEALED_SEGMENT >= stored.length;
      parts.push(openSegment(key, first + parts.length, last, stored.subarray(at, at + SEALED_SEGMENT)));
    }
    return parts;
  };

  const readRange = async ({ name }: BlobReference, dataKey: KeyObject, offset: number, length: number) => {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      throw new RangeError('a range is two whole numbers, zero or more');
    }
    const header = await store.read(name, { offset: 0, length: HEADER });
    if (!header) return undefined;
    const key = keyFromHeader(dataKey, header);
    const first = Math.floor(offset / SEGMENT);
    const final = Math.floor((offset + Math.max(length, 1) - 1) / SEGMENT);
    const parts = await readSegments(name, key, first, final);
    if (!parts) return undefined;
    // Nothing there is the truth only if the segment before says that it is the last.
    if (parts.length === 0) await checkEnd(name, key, first);
    const start = offset - first * SEGMENT;
    return Buffer.concat(parts).subarray(start, start + length);
  };

  /** Throws unless the blob ends, as it was written, before segment `index`: finds its last one and opens it. */
  const checkEnd = async (name: string, key: KeyObject, index: number) => {
    let [there, beyond] = [-1, index];
    while (beyond - there > 1) {
      const middle = Math.floor((there + beyond) / 2);
      const stored = await store.read(name, { offset: HEADER + middle * SEALED_SEGMENT, length: 1 });
      if (stored && stored.length > 0) there = middle;
      else beyond = middle;
    }
    if (there === -1) throw new SealBroken('a blob ends too early');
    await readSegments(name, key, there, there);
  };

  return {
    async write(tenantId, source, shared) {
      const { keyId, key } = shared ?? (await keyring.dataKey(tenantId));
      const hash = createHash('sha256');
      let bytes = 0;
      const counted = async function* () {
        for await (const part of source instanceof Uint8Array ? [source] : source) {
          bytes += part.length;
          yield part;
        }
      };
      const stored = async function* () {
        for await (const segment of sealSegments(key, counted())) {
          hash.update(segment);
          yield segment;
        }
      };
      let name = '';
      await store.writeStream(stored(), () => (name = `${tenantId}/${hash.digest('hex')}`));
      return { tenantId, keyId, name, bytes };
    },
    async read(blob, range) {
      const key = await keyOf(blob);
      if (key === 'erased') return key;
      return range ? readRange(blob, key, range.offset, range.length) : readWhole(blob, key);
    },
  };
}
