// All bytes that a distributed Defter has left on its servers, each read as a client of that server would.

import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import { physicalTopic } from '#platform/kafka/physical-name.ts';
import { eventLanguage } from '../../compose/event-language.ts';
import { readTopics, relayServers } from './relay-kafka.ts';
import { storedBytes } from './stored-bytes.ts';

/** By server. `logDir` is the folder of the event store's own log. */
export async function storedOnServers(
  env: Readonly<Record<string, string>>,
  logDir: string,
): Promise<Readonly<Record<string, Buffer>>> {
  return {
    'event store': storedBytes(logDir),
    kafka: await inKafka(env),
    redis: await inRedis(env),
    elasticsearch: await inElasticsearch(env),
    s3: await inBuckets(env),
  };
}

/** The places where a folded word is; of words that are indexed and not kept the read model is asked. */
export async function wordOnServers(
  env: Readonly<Record<string, string>>,
  logDir: string,
  word: string,
): Promise<string[]> {
  const places = Object.entries(await storedOnServers(env, logDir)).flatMap(([place, bytes]) =>
    bytes.includes(word) ? [place] : [],
  );
  const namespace = setting(env, 'NAMESPACE');
  const answer = await fetch(`${setting(env, 'ELASTICSEARCH_URL')}/${namespace}*/_search?size=10000&_source=false`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: { term: { f_words: word } } }),
  });
  if (!answer.ok) throw new Error(`Elasticsearch answered ${answer.status}`);
  const { hits } = (await answer.json()) as { hits: { hits: { _index: string }[] } };
  const indices = new Set(
    hits.hits.map(({ _index }) => (_index.startsWith(`${namespace}-search-audit-`) ? 'audit.words' : _index)),
  );
  return [...places, ...indices];
}

const setting = (env: Readonly<Record<string, string>>, name: string): string => {
  const value = env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

async function inKafka(env: Readonly<Record<string, string>>): Promise<Buffer> {
  const namespace = setting(env, 'NAMESPACE');
  const topics = eventLanguage.topics.map((topic) => physicalTopic(namespace, topic));
  const records = await readTopics(relayServers(env), topics);
  return Buffer.concat(
    records.flatMap(({ message: { key, value, headers } }) => [
      key ?? Buffer.alloc(0),
      value ?? Buffer.alloc(0),
      Buffer.from(JSON.stringify(headers ?? {}, (_, one: unknown) => (Buffer.isBuffer(one) ? one.toString() : one))),
    ]),
  );
}

async function inRedis(env: Readonly<Record<string, string>>): Promise<Buffer> {
  const redis = new Redis(setting(env, 'REDIS_URL'), { maxRetriesPerRequest: 1 });
  try {
    const found: unknown[] = [];
    for await (const keys of redis.scanStream({ match: `*${setting(env, 'NAMESPACE')}*`, count: 1_000 }))
      for (const key of keys as string[]) found.push(key, await valueOf(redis, key));
    return Buffer.from(JSON.stringify(found));
  } finally {
    redis.disconnect();
  }
}

async function valueOf(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'set':
      return redis.smembers(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return undefined;
  }
}

async function inElasticsearch(env: Readonly<Record<string, string>>): Promise<Buffer> {
  const url = setting(env, 'ELASTICSEARCH_URL');
  const indices = `${setting(env, 'NAMESPACE')}*`;
  await fetch(`${url}/${indices}/_refresh`, { method: 'POST' });
  const answer = await fetch(`${url}/${indices}/_search?size=10000`);
  if (!answer.ok) throw new Error(`Elasticsearch answered ${answer.status}`);
  return Buffer.from(await answer.text());
}

async function inBuckets(env: Readonly<Record<string, string>>): Promise<Buffer> {
  const s3 = new S3Client({
    endpoint: setting(env, 'S3_ENDPOINT'),
    region: env['S3_REGION'] ?? 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: setting(env, 'S3_ACCESS_KEY_ID'),
      secretAccessKey: setting(env, 'S3_SECRET_ACCESS_KEY'),
    },
  });
  const found: Buffer[] = [];
  for (const Bucket of [setting(env, 'S3_BUCKET'), setting(env, 'S3_VAULT_BUCKET')]) {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    for (const { Key } of Contents) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      found.push(Buffer.from(Key ?? ''), Buffer.from((await Body?.transformToByteArray()) ?? []));
    }
  }
  return Buffer.concat(found);
}
