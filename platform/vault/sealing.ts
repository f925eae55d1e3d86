// AES-256-GCM as it is used for everything small that is encrypted: `1 | nonce (12) | ciphertext | tag (16)`, where the
// first byte is the format's version.
//
// Nonces are random. NIST SP 800-38D (8.3) allows 2^32 seals under one key so: a data key lives for one subject and one
// day, which would be 49,000 seals a second all day long.

import { createCipheriv, createDecipheriv, randomFillSync, type KeyObject } from 'node:crypto';
import { finalError } from '../errors.ts';

const VERSION = 1;
const NONCE = 12;
const TAG = 16;
/** How many bytes sealing adds. */
export const SEAL_OVERHEAD = 1 + NONCE + TAG;

/** What was sealed cannot be opened: another key or other associated data, or its bytes were changed. */
export class SealBroken extends finalError('seal-broken') {}

// One call for 341 nonces: a call for each would cost as much as the sealing. Each stretch is used once.
const pool = new Uint8Array(4092);
let used = pool.length;

function nextNonce(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += NONCE;
  return pool.subarray(used - NONCE, used);
}

/** `aad` is not stored: opening needs the same again. */
export function sealBytes(key: KeyObject, plaintext: Uint8Array, aad?: Uint8Array): Buffer {
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  if (aad) cipher.setAAD(aad);
  const ciphertext = cipher.update(plaintext);
  cipher.final(); // holds nothing back: GCM is a stream
  const sealed = Buffer.allocUnsafe(ciphertext.length + SEAL_OVERHEAD);
  sealed[0] = VERSION;
  sealed.set(nonce, 1);
  sealed.set(ciphertext, 1 + NONCE);
  sealed.set(cipher.getAuthTag(), sealed.length - TAG);
  return sealed;
}

/** Throws `SealBroken`. */
export function openBytes(key: KeyObject, sealed: Uint8Array, aad?: Uint8Array): Buffer {
  if (sealed.length < SEAL_OVERHEAD || sealed[0] !== VERSION) throw new SealBroken('these bytes are not sealed');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + NONCE), { authTagLength: TAG });
  if (aad) decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  const plaintext = decipher.update(sealed.subarray(1 + NONCE, sealed.length - TAG));
  try {
    decipher.final();
  } catch (cause) {
    throw new SealBroken('what was sealed was changed, or belongs to another key', { cause });
  }
  return plaintext;
}
