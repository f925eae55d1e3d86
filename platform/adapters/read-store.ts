import { type LogInUse, ofThisLog } from '../log-generation.ts';
import type { ReadStore } from '../read-store/read-store.ts';
import { openSqliteReadStore } from '../read-store/sqlite-read-store.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Frees the room of documents that have expired, where the engine does not do so itself; answers how many. */
export type SweepExpired = (now: number, limit: number) => Promise<number>;

/** Redis, or else SQLite, which must be told to remove what has expired. */
export async function openReadStore(
  { config, log, signal, thread }: AdapterOptions,
  logInUse: LogInUse,
): Promise<Opened<{ readonly readStore: ReadStore; readonly sweepExpired: SweepExpired }>> {
  const { redisUrl: url, namespace, dataDir } = config;
  if (url === undefined) {
    const sqlite = await openSqliteReadStore({ folder: dataDir, writes: thread ? 'here' : 'thread' });
    const readStore = await ofThisLog(sqlite, 'read store (SQLite)', logInUse, log);
    const sweepExpired: SweepExpired = (now, limit) => readStore.sweepExpired(now, limit);
    return { ...opened(readStore), port: { readStore, sweepExpired } };
  }
  const { openRedisReadStore } = await import('../read-store/redis-read-store.ts');
  const redis = await openRedisReadStore({ url, namespace, log, ...(signal && { signal }) });
  const readStore = await ofThisLog(redis, 'read store (Redis)', logInUse, log);
  return { ...opened(readStore), port: { readStore, sweepExpired: () => Promise.resolve(0) } };
}
