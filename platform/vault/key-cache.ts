// Unwrapped keys in memory for less than a minute, so that an erased subject's content stops being readable everywhere
// within that time. What is over its time is not only not answered but dropped, by a timer.

import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const LIFE_MS = 45_000;
const SWEEP_MS = 15_000;
const MOST = 10_000;

export interface KeyCache {
  /** `erased` is remembered too: it never changes back. */
  get(name: string): KeyObject | 'erased' | undefined;
  /** `readAt`: when it was read from the vault, milliseconds since the epoch. */
  set(name: string, key: KeyObject | 'erased', readAt: number): void;
  /** Drops those of which `isDropped` is true. */
  drop(isDropped: (name: string) => boolean): void;
  close(): void;
}

export function openKeyCache(now: () => number): KeyCache {
  const kept = new LRUCache<string, KeyObject | 'erased'>({
    max: MOST,
    ttl: LIFE_MS,
    ttlResolution: 0,
    perf: { now },
  });
  const timer = setInterval(() => kept.purgeStale(), SWEEP_MS).unref();
  return {
    get: (name) => kept.get(name),
    set: (name, key, readAt) => void kept.set(name, key, { start: readAt }),
    drop(isDropped) {
      for (const name of kept.keys()) if (isDropped(name)) kept.delete(name);
    },
    close() {
      clearInterval(timer);
      kept.clear();
    },
  };
}
