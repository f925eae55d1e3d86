import { Redis } from 'ioredis';
import { v4 } from 'uuid';

/** A namespace of one's own on a server, and how to remove all that is in it. */
export function redisNamespace(url: string) {
  const namespace = `test-${v4()}`;
  return { namespace, remove: () => unlinkAll(url, `*${namespace}*`) };
}

/** Removes every document, set and count of attempts that a namespace has on a server; a projection's positions stay. */
export async function loseDocuments(url: string, namespace: string): Promise<void> {
  for (const kind of ['d', 's', 'at']) await unlinkAll(url, `{${namespace}}:${kind}:*`);
}

async function unlinkAll(url: string, pattern: string): Promise<void> {
  const redis = new Redis(url);
  try {
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
    }
  } finally {
    redis.disconnect();
  }
}
