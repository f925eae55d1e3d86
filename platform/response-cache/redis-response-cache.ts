// Remembered answers in Redis, shared by all replicas, behind a few in memory. Entries are named by a hash of tenant, epoch
// and key together, and each says whose it is, which is checked.
// A clear holds on every replica once it resolves: it gives the tenant a new epoch, a replica answers from its memory only
// within `trustMs` of having asked for the epoch, and the clear waits that long. A cache that cannot reach Redis answers
// nothing and keeps nothing.

import { createHash, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { pause } from '../patience/back-off.ts';
import { openRedis, type RedisOptions, WRITE_DEADLINE_MS } from '../redis/open-redis.ts';
import { createLruResponseCache, responseCacheName } from './lru-response-cache.ts';
import { clearScript, epochScript, getScript, setScript } from './redis-cache-script.ts';
import type { ResponseCache } from './response-cache.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import { atMost } from '../patience/within.ts';

/** How long a request waits for the cache before it goes on without. */
const PATIENCE_MS = 250;
const MOST_TENANTS = 10_000;
const TRUST_MS = 1_000;

export interface RedisResponseCacheOptions extends RedisOptions {
  /** The most memory for answers kept here. */
  readonly bytes: number;
  /** Milliseconds for which an epoch asked for is taken to stand, and so for which `clear` waits. Default 1,000. */
  readonly trustMs?: number;
}

export interface RedisResponseCache extends ResponseCache {
  /** Rejects when the server cannot be reached: the tenant may not have been cleared. */
  clear(tenantId: string): Promise<void>;
  health(): Promise<void>;
}

interface Epoch {
  readonly name: string;
  /** When it was asked for, before it was answered. */
  readonly askedAt: number;
}

export async function openRedisResponseCache(options: RedisResponseCacheOptions): Promise<RedisResponseCache> {
  const { namespace, log, bytes, trustMs = TRUST_MS } = options;
  const link = await openRedis({ ...options, what: 'response cache' });
  const near = createLruResponseCache({ bytes });
  const epochs = new LRUCache<string, Epoch>({ max: MOST_TENANTS });
  const warn = saySeldom((err: unknown) =>
    log.warn({ err, server: link.server }, 'the response cache is done without'),
  );

  const keyOf = (kind: 'ce' | 'ci' | 'ca', name: string) => `{${namespace}}:${kind}:${name}`;
  const epochKey = (tenantId: string) => keyOf('ce', hashOf(tenantId));
  const indexKey = (tenantId: string) => keyOf('ci', hashOf(tenantId));
  /** What stands for the caller's key within the tenant: an epoch is always as long. */
  const within = (epoch: string, key: string) => epoch + key;

  /** What cannot be had in time is done without. */
  async function briefly<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await atMost(PATIENCE_MS, work);
    } catch (err) {
      warn(err);
      return undefined;
    }
  }

  const ask = async <T>(work: () => Promise<T>) => (link.redis.status === 'ready' ? briefly(work()) : undefined);

  function learn(tenantId: string, name: string, askedAt: number): Epoch {
    const epoch = { name, askedAt };
    // An answer that was overtaken must not bring back an older epoch.
    if ((epochs.get(tenantId)?.askedAt ?? -Infinity) < askedAt) epochs.set(tenantId, epoch);
    return epoch;
  }

  async function askForEpoch(tenantId: string): Promise<Epoch | undefined> {
    const askedAt = performance.now();
    const name = await ask(() => epochScript(link.redis, [epochKey(tenantId)], [randomUUID()]));
    return typeof name === 'string' ? learn(tenantId, name, askedAt) : undefined;
  }

  const isTrusted = (epoch: Epoch | undefined): epoch is Epoch =>
    epoch !== undefined && performance.now() - epoch.askedAt < trustMs;

  async function far(tenantId: string, key: string, epoch: Epoch): Promise<unknown> {
    const askedAt = performance.now();
    const entryKey = keyOf('ca', responseCacheName(tenantId, within(epoch.name, key)));
    const found = await ask(() => getScript(link.redis, [epochKey(tenantId), entryKey], [epoch.name]));
    if (!Array.isArray(found)) {
      epochs.delete(tenantId);
      return undefined;
    }
    learn(tenantId, epoch.name, askedAt);
    const [text, left] = found as [string?, number?];
    const owner = `${tenantId.length}:${tenantId}`;
    if (!text?.startsWith(owner)) return undefined;
    const value = JSON.parse(text.slice(owner.length)) as unknown;
    await near.set(tenantId, within(epoch.name, key), value, left ?? 0);
    return value;
  }

  async function remove(tenantId: string, key: string, epoch: string): Promise<void> {
    const name = responseCacheName(tenantId, within(epoch, key));
    await near.set(tenantId, within(epoch, key), undefined, 0);
    await ask(() => link.redis.unlink(keyOf('ca', name)));
  }

  return {
    async get(tenantId, key) {
      const known = epochs.get(tenantId);
      if (isTrusted(known)) {
        const value = await near.get(tenantId, within(known.name, key));
        if (value !== undefined) return value;
      }
      const epoch = known ?? (await askForEpoch(tenantId));
      return epoch && far(tenantId, key, epoch);
    },
    async set(tenantId, key, value, ttlMs) {
      const known = epochs.get(tenantId);
      const epoch = isTrusted(known) ? known : await askForEpoch(tenantId);
      if (!epoch) return;
      const json = JSON.stringify(value) as string | undefined;
      if (json === undefined || !(ttlMs >= 1)) return remove(tenantId, key, epoch.name);
      const name = responseCacheName(tenantId, within(epoch.name, key));
      const keys = [epochKey(tenantId), keyOf('ca', name), indexKey(tenantId)];
      const text = `${tenantId.length}:${tenantId}${json}`;
      const ttl = Math.floor(Math.min(ttlMs, Number.MAX_SAFE_INTEGER / 4));
      const kept = await ask(() => setScript(link.redis, keys, [epoch.name, text, ttl, name]));
      // Not kept there: an older answer here must not outlive it.
      if (kept === 1) await near.set(tenantId, within(epoch.name, key), value, ttlMs);
      else await near.set(tenantId, within(epoch.name, key), undefined, 0);
      if (kept === 0) epochs.delete(tenantId);
    },
    async clear(tenantId) {
      const keys = [epochKey(tenantId), indexKey(tenantId)];
      const epoch = randomUUID();
      let removed: unknown;
      do {
        removed = await link.call((redis) => clearScript(redis, keys, [epoch, keyOf('ca', '')]), WRITE_DEADLINE_MS);
      } while (Number(removed) > 0);
      epochs.delete(tenantId);
      await near.clear(tenantId);
      await pause(trustMs);
    },
    health: () => link.health(),
    async close() {
      await link.close();
      await near.close();
    },
  };
}

/** UTF-16, because UTF-8 writes every lone surrogate alike. */
const hashOf = (tenantId: string): string => createHash('sha256').update(tenantId, 'utf16le').digest('base64');
