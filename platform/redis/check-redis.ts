// Whether a server may be trusted with data: what must not be lost is neither evicted nor kept in memory only.

import type { Redis } from 'ioredis';
import { StartError } from '../errors.ts';
import type { Log } from '../logging/log.ts';

/** SET with PXAT, and lists that UNLINK frees in the background. */
const OLDEST = [6, 2] as const;

/** Rejects with a `StartError` that names every fault. */
export async function checkRedis(redis: Redis, server: string, log: Log): Promise<void> {
  const facts = new Map(
    (await redis.info())
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const),
  );
  const version = facts.get('redis_version') ?? '';
  const policy = facts.get('maxmemory_policy') ?? 'noeviction';
  const faults = [
    !isRecent(version) && `Redis at ${server} is version ${version}; at least ${OLDEST.join('.')} is needed.`,
    facts.get('aof_enabled') !== '1' &&
      `Redis at ${server} keeps no append-only file, so it would forget documents that were acknowledged: set appendonly yes.`,
    policy !== 'noeviction' &&
      `Redis at ${server} may evict documents (maxmemory-policy ${policy}), and with them what guards against old writes: set noeviction.`,
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new StartError(faults);
  // Managed servers do not show their configuration.
  const [, fsync] = (await redis.config('GET', 'appendfsync').catch(() => [])) as string[];
  if (fsync === 'no')
    log.warn({ server }, 'Redis leaves syncing its file to the system: a power cut may cost half a minute');
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
