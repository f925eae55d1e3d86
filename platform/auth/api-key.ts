// API keys are `dft_<keyId>_<secret>`. Keys given from outside may be any long string; their id is derived from them.
// A key carries 256 random bits, so a plain SHA-256 is enough to keep: there is nothing to guess.

import { createHash, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { v5 } from 'uuid';

const FORMAT = /^dft_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
/** Namespace of ids derived from keys that do not carry one. */
const NAMESPACE = '6f0e3c52-9f3b-5d0a-9d57-2f1c5d3a7b10';

/** `secret` is 32 random bytes. */
export const createApiKey = (keyId: string, secret: Uint8Array) =>
  `dft_${keyId}_${Buffer.from(secret).toString('base64url')}`;

/** SHA-256 of the whole key, in hex. */
export const hashApiKey = (key: string) => createHash('sha256').update(key).digest('hex');

export interface PresentedKey {
  readonly id: string;
  readonly hash: string;
}

/** Keys presented lately: hashing the same key for each request costs more than all else of its check. */
const presented = new LRUCache<string, PresentedKey>({ max: 20_000, ttl: 60_000, ttlResolution: 1_000 });

/** The same object for the same key, as long as it is remembered. */
export function identifyApiKey(key: string): PresentedKey {
  const known = presented.get(key);
  if (known) return known;
  const hash = hashApiKey(key);
  const identified = { id: FORMAT.exec(key)?.[1] ?? v5(hash, NAMESPACE), hash };
  presented.set(key, identified);
  return identified;
}

/** Compares two hex hashes in constant time. */
export const sameHash = (a: string, b: string) =>
  a.length === b.length && timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
