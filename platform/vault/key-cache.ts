// Unwrapped keys in memory for less than a minute, so that an erased subject's content stops being readable everywhere
// within that time. What is over its time is not only not answered but dropped, by a timer.

import type { KeyObject } from 'node:crypto';

const LIFE_MS = 45_000;
const SWEEP_MS = 15_000;
const MOST = 10_000;

export interface KeyCache {
  /** `erased` is remembered too: it never changes back. */
  get(name: string): KeyObject | 'erased' | undefined;
  /** `readAt`: when it was read from the vault, milliseconds since the epoch. */
  set(name: string, key: KeyObject | 'erased', readAt: number): void;
  /** Drops what `of` says. */
  drop(of: (name: string) => boolean): void;
  close(): void;
}

export function openKeyCache(now: () => number): KeyCache {
  const kept = new Map<string, { readonly key: KeyObject | 'erased'; readonly until: number }>();
  const drop: KeyCache['drop'] = (of) => {
    for (const name of kept.keys()) if (of(name)) kept.delete(name);
  };
  const timer = setInterval(() => {
    const at = now();
    drop((name) => (kept.get(name)?.until ?? 0) <= at);
  }, SWEEP_MS);
  timer.unref();
  return {
    get(name) {
      const found = kept.get(name);
      return found && found.until > now() ? found.key : undefined;
    },
    set(name, key, readAt) {
      kept.delete(name);
      kept.set(name, { key, until: readAt + LIFE_MS });
      if (kept.size > MOST) kept.delete(kept.keys().next().value ?? name);
    },
    drop,
    close() {
      clearInterval(timer);
      kept.clear();
    },
  };
}
