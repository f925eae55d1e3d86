// Remembered answers in memory, bounded by bytes. Entries are named by a hash of tenant and key together, and each
// still says whose it is, which is checked: two independent reasons why an answer cannot reach another tenant.

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ResponseCache } from './response-cache.ts';

interface Entry {
  readonly tenantId: string;
  readonly text: string;
}

/** Characters of the hash, bookkeeping of the cache; a character of text is counted as two bytes. */
const ENTRY_BYTES = 300;

/**
 * The name of an entry. The tenant's length goes before it, so no other pair joins to the same text; UTF-16, because
 * UTF-8 writes every lone surrogate alike.
 */
export function responseCacheName(tenantId: string, key: string): string {
  return createHash('sha256').update(`${tenantId.length}:${tenantId}${key}`, 'utf16le').digest('base64');
}

/** `bytes`: the most memory; one answer may take an eighth. `now`: milliseconds on any clock that never goes back. */
export function createLruResponseCache(options: {
  readonly bytes: number;
  readonly now?: () => number;
}): ResponseCache {
  const { bytes, now = () => performance.now() } = options;
  const names = new Map<string, Set<string>>();
  const cache = new LRUCache<string, Entry>({
    maxSize: bytes,
    maxEntrySize: Math.max(1, Math.floor(bytes / 8)),
    sizeCalculation: ({ text }) => text.length * 2 + ENTRY_BYTES,
    perf: { now },
    ttlResolution: 0,
    onInsert({ tenantId }, name) {
      const owned = names.get(tenantId) ?? new Set();
      names.set(tenantId, owned.add(name));
    },
    dispose({ tenantId }, name, reason) {
      if (reason === 'set') return;
      const owned = names.get(tenantId);
      if (owned?.delete(name) && owned.size === 0) names.delete(tenantId);
    },
  });
  return {
    async get(tenantId, key) {
      const entry = cache.get(responseCacheName(tenantId, key));
      return entry?.tenantId === tenantId ? (JSON.parse(entry.text) as unknown) : undefined;
    },
    async set(tenantId, key, value, ttlMs) {
      const name = responseCacheName(tenantId, key);
      const text = JSON.stringify(value) as string | undefined;
      // lru-cache takes a time to live of 0 for "for ever".
      if (text === undefined || !(ttlMs > 0)) cache.delete(name);
      else cache.set(name, { tenantId, text }, { ttl: ttlMs });
    },
    async clear(tenantId) {
      for (const name of Array.from(names.get(tenantId) ?? [])) cache.delete(name);
    },
    async close() {
      cache.clear();
      names.clear();
    },
  };
}
