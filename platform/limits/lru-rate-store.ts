// Counts of requests in memory, of the ids that asked lately.

import { LRUCache } from 'lru-cache';
import type { RateStore } from './rate-store.ts';

/** Ids; each takes some 300 bytes. Beyond it the one that has asked nothing for longest is forgotten. */
const MOST_IDS = 50_000;

/** As much of a Map as koa-ratelimit uses, which asks for one. */
class BoundedMap extends Map<string, object> {
  readonly #entries: LRUCache<string, object>;
  constructor(most: number) {
    super();
    this.#entries = new LRUCache({ max: most });
  }
  override get(id: string) {
    return this.#entries.get(id);
  }
  override has(id: string) {
    return this.#entries.has(id);
  }
  override set(id: string, entry: object) {
    this.#entries.set(id, entry);
    return this;
  }
  override clear() {
    this.#entries.clear();
  }
}

export function createLruRateStore({ most = MOST_IDS }: { readonly most?: number } = {}): RateStore {
  const db = new BoundedMap(most);
  return {
    counting: { driver: 'memory', db, namespace: 'rate' },
    async close() {
      db.clear();
    },
  };
}
