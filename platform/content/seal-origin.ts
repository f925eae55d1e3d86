// From where a command came, sealed for the envelope of its events (events/envelope.ts says by whose key).

import { LRUCache } from 'lru-cache';
import type { SealedOrigin } from '#events/envelope.ts';
import type { Keyring } from '../vault/keyring.ts';
import { sealBytes } from '../vault/sealing.ts';

/** Of a user agent, so that no event is mostly the name of a program. */
const MOST_CLIENT_CHARACTERS = 256;
const MOST_ORIGINS = 1_000;
/** Less than the 60 seconds within which nothing of an erased subject is known any more. */
const LIFE_MS = 45_000;

/** Rejects like `Keyring.dataKey`. */
export type SealOrigin = (
  subject: string,
  from: { readonly address: string; readonly client: string | undefined },
) => Promise<SealedOrigin>;

/** One caller sends many commands from one place: what it was sealed into is used again, and forgotten soon. */
export function createOriginSealer(keyring: Pick<Keyring, 'dataKey'>, lifeMs = LIFE_MS): SealOrigin {
  const sealed = new LRUCache<string, SealedOrigin>({ max: MOST_ORIGINS, ttl: lifeMs, ttlAutopurge: true });
  return async (subject, { address, client }) => {
    const made = keyring.dataKey(subject);
    const { keyId, key } = made instanceof Promise ? await made : made;
    const text = JSON.stringify({ address, client: client?.slice(0, MOST_CLIENT_CHARACTERS) ?? null });
    const known = sealed.get(keyId + text);
    if (known) return known;
    const origin = { keyId, sealed: sealBytes(key, Buffer.from(text)).toString('base64') };
    sealed.set(keyId + text, origin);
    return origin;
  };
}
