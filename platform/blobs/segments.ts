// How a blob is sealed so that it can be read in ranges and written without being held whole: the STREAM construction
// (Hoang, Reyhanitabar, Rogaway and Vizár, 2015; age and Tink use it too).
//
// `DFB1 | salt (32)`, then segments of 64 KiB of plaintext, each AES-256-GCM with its tag behind it. The blob has a key
// of its own, HKDF-SHA-256 of the data key and the salt, so the nonce can be the segment's number and a byte that says
// whether it is the last: segments cannot be cut off, reordered, or taken from another blob. An empty blob is one
// empty last segment.

import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { SealBroken } from '../vault/sealing.ts';

const MAGIC = Buffer.from('DFB1');
const SALT = 32;
const TAG = 16;

export const HEADER = MAGIC.length + SALT;
export const SEGMENT = 65_536;
export const SEALED_SEGMENT = SEGMENT + TAG;

function nonceOf(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 3);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function blobKey(dataKey: KeyObject, salt: Uint8Array): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', dataKey, salt, 'blob segments', 32)));
}

function sealSegment(key: KeyObject, index: number, last: boolean, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index, last));
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Throws `SealBroken`. */
export function openSegment(key: KeyObject, index: number, last: boolean, sealed: Uint8Array): Buffer {
  if (sealed.length < TAG) throw new SealBroken('a blob ends too early');
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index, last), { authTagLength: TAG });
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  const plaintext = decipher.update(sealed.subarray(0, sealed.length - TAG));
  try {
    decipher.final();
  } catch (cause) {
    throw new SealBroken('a blob was changed or cut off, or belongs to another key', { cause });
  }
  return plaintext;
}

/** The key of the blob that begins with these bytes. Throws `SealBroken`. */
export function keyFromHeader(dataKey: KeyObject, header: Uint8Array): KeyObject {
  if (header.length !== HEADER || !MAGIC.equals(header.subarray(0, MAGIC.length))) {
    throw new SealBroken('this is not a sealed blob');
  }
  return blobKey(dataKey, header.subarray(MAGIC.length));
}

/** The stored form of a blob, a segment at a time; parts may be of any length. */
export async function* sealSegments(
  dataKey: KeyObject,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  const salt = randomBytes(SALT);
  const key = blobKey(dataKey, salt);
  yield Buffer.concat([MAGIC, salt]);
  // A full segment is held back until more comes: only then is it known not to be the last.
  const held = Buffer.allocUnsafe(SEGMENT);
  let filled = 0;
  let index = 0;
  for await (const part of parts) {
    for (let at = 0; at < part.length;) {
      if (filled === SEGMENT) {
        yield sealSegment(key, index++, false, held);
        filled = 0;
      }
      const taken = Math.min(part.length - at, SEGMENT - filled);
      held.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
    }
  }
  yield sealSegment(key, index, true, held.subarray(0, filled));
}
