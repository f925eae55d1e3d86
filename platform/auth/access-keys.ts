// The keys that access tokens are signed with: one for each month, derived from the master key, so that nothing is stored
// and every replica has the same. A token names its key by `kid`, `<number>-<months since 1970>`; raising the number, a
// setting, voids every access token at once.

import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** How far clocks of replicas may be apart. */
export const CLOCK_LEEWAY_MS = 60_000;

export interface AccessKeys {
  /** The key to sign with at this time, in milliseconds since the epoch. */
  current(now: number): { readonly kid: string; readonly key: KeyObject };
  /** Undefined for one that is not in use at this time: it is this month's or the last one's. */
  keyOf(kid: string, now: number): KeyObject | undefined;
}

const monthOf = (now: number) => {
  const date = new Date(now);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
};

/** `root` is of this purpose alone; `number` is the setting's. */
export function createAccessKeys(root: KeyObject, number: number): AccessKeys {
  const derived = new LRUCache<string, KeyObject>({ max: 4 });
  const kidOf = (month: number) => `${number}-${month}`;
  const derive = (kid: string): KeyObject => {
    const known = derived.get(kid);
    if (known) return known;
    const key = createSecretKey(new Uint8Array(hkdfSync('sha256', root, '', `defter access token ${kid}`, 32)));
    derived.set(kid, key);
    return key;
  };
  return {
    current(now) {
      const kid = kidOf(monthOf(now));
      return { kid, key: derive(kid) };
    },
    keyOf(kid, now) {
      const month = monthOf(now);
      // A replica whose clock is ahead may be in the next month already.
      const inUse = [month, month - 1, monthOf(now + CLOCK_LEEWAY_MS)].some((one) => kidOf(one) === kid);
      return inUse ? derive(kid) : undefined;
    },
  };
}
