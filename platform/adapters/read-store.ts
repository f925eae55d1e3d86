import type { ReadStore } from '../read-store/read-store.ts';
import { openSqliteReadStore } from '../read-store/sqlite-read-store.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Redis, or else SQLite, which must be told to remove what has expired. */
export async function openReadStore(
  { config, log, signal }: AdapterOptions,
  slowWork: 'here' | 'thread',
): Promise<Opened<ReadStore> & { readonly sweepExpired: (now: number, limit: number) => Promise<number> }> {
  const { redisUrl: url, namespace, dataDir } = config;
  if (url === undefined) {
    const store = await openSqliteReadStore({ folder: dataDir, writes: slowWork });
    return { ...opened(store), sweepExpired: (now, limit) => store.sweepExpired(now, limit) };
  }
  const { openRedisReadStore } = await import('../read-store/redis-read-store.ts');
  const store = await openRedisReadStore({ url, namespace, log, ...(signal && { signal }) });
  return { ...opened(store), sweepExpired: () => Promise.resolve(0) };
}
