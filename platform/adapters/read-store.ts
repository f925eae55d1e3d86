import { type LogInUse, ofThisLog } from '../log-generation.ts';
import type { ReadStore } from '../read-store/read-store.ts';
import { openSqliteReadStore } from '../read-store/sqlite-read-store.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Redis, or else SQLite, which must be told to remove what has expired. */
export async function openReadStore(
  { config, log, signal }: AdapterOptions,
  slowWork: 'here' | 'thread',
  logInUse: LogInUse,
): Promise<Opened<ReadStore> & { readonly sweepExpired: (now: number, limit: number) => Promise<number> }> {
  const { redisUrl: url, namespace, dataDir } = config;
  if (url === undefined) {
    const sqlite = await openSqliteReadStore({ folder: dataDir, writes: slowWork });
    const store = await ofThisLog(sqlite, 'read store (SQLite)', logInUse, log);
    return { ...opened(store), sweepExpired: (now, limit) => store.sweepExpired(now, limit) };
  }
  const { openRedisReadStore } = await import('../read-store/redis-read-store.ts');
  const redis = await openRedisReadStore({ url, namespace, log, ...(signal && { signal }) });
  const store = await ofThisLog(redis, 'read store (Redis)', logInUse, log);
  return { ...opened(store), sweepExpired: () => Promise.resolve(0) };
}
