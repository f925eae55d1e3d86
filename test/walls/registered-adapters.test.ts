import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { findUnregistered } from './registered-adapters.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function readTree(...folders: readonly string[]): Map<string, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('walls/'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  );
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

/** A port `cache` with three adapters and what tests it; each case changes one file. */
const house: Readonly<Record<string, string>> = {
  'platform/cache/cache.ts': 'export interface Cache {}',
  'platform/cache/lru-cache.ts': 'export const createLruCache = () => ({});',
  'platform/cache/redis-cache.ts': 'export const openRedisCache = () => ({});',
  'platform/cache/redis-script.ts': 'export const script = 1;',
  'platform/cache/live-hub.ts': 'export const openLiveHub = () => ({});',
  'platform/redis/redis-errors.ts': 'export const isLost = () => false;',
  'test/contract/cache.contract.ts': "import '#platform/cache/redis-cache.ts';",
  'test/contract/cache-lru.test.ts':
    "import { createLruCache } from '#platform/cache/lru-cache.ts';\nimport { cacheContract } from './cache.contract.ts';",
  'test/contract/cache-redis.test.ts':
    "import { openTestCache } from '../support/redis.ts';\nimport { cacheContract } from './cache.contract.ts';",
  'test/contract/cache-hub.test.ts':
    "import { cacheContract } from './cache.contract.ts';\nawait import('#platform/cache/live-hub.ts');",
  'test/support/redis.ts': "import { openRedisCache } from '#platform/cache/redis-cache.ts';",
};

const unregisteredWith = (changes: Readonly<Record<string, string>>) =>
  findUnregistered(new Map(Object.entries({ ...house, ...changes })));

describe('each adapter', () => {
  it('is run through the contract suite of its port', () => {
    expect(findUnregistered(readTree('platform', 'test'))).to.deep.equal([]);
  });

  describe('is looked for, so that', () => {
    const suite = 'test/contract/cache.contract.ts';
    const cases: readonly (readonly [title: string, changes: Record<string, string>, found: string[]])[] = [
      ['a house in order is left alone', {}, []],
      [
        'an adapter that no test names is found',
        { 'platform/cache/s3-cache.ts': '' },
        [`platform/cache/s3-cache.ts is not run through ${suite}`],
      ],
      [
        'one that a test names without the suite is found',
        { 'test/contract/cache-lru.test.ts': "import { createLruCache } from '#platform/cache/lru-cache.ts';" },
        [`platform/cache/lru-cache.ts is not run through ${suite}`],
      ],
      [
        'one of which only the type is named is found',
        { 'test/support/redis.ts': "import type { RedisCache } from '#platform/cache/redis-cache.ts';" },
        [`platform/cache/redis-cache.ts is not run through ${suite}`],
      ],
      [
        'one that is an engine by itself is found',
        { 'test/contract/cache-hub.test.ts': '' },
        [`platform/cache/live-hub.ts is not run through ${suite}`],
      ],
      [
        'a port without a suite is found',
        { 'platform/mail/mail.ts': '', 'platform/mail/smtp-mail.ts': '' },
        ['platform/mail has adapters, and no port with a suite in test/contract/'],
      ],
    ];
    for (const [title, changes, found] of cases)
      it(title, () => {
        expect(unregisteredWith(changes)).to.deep.equal(found);
      });
  });
});
