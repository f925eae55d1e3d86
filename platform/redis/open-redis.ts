// A connection to a Redis server and the one place for its options, deadlines, retries and back-off. Commands are never
// queued while the server is away and never sent again by the client library, which would hide that they may have happened:
// `call` does both, and every caller knows that its work may run more than once.

import { Redis } from 'ioredis';
import { backOff } from '../patience/back-off.ts';
import { Interrupted, persist } from '../patience/persist.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import { atMost } from '../patience/within.ts';
import { asError, StartError, isFinal } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { LARGE_COMMANDS } from './redis-script.ts';
import { isAboutCredentials, isRefusal, RedisUnavailable } from './redis-errors.ts';

const CONNECT_MS = 2_000;
/** A connection on which an answer is due and nothing arrives for so long is dead. A script must be far quicker. */
const SILENCE_MS = 3_000;
/** An idle connection is asked for a sign of life, so that one that was cut is noticed. */
const PING_MS = 5_000;
const RECONNECT = { first: 20, most: 500 } as const;
const RETRY = { first: 10, most: 250 } as const;
const QUIT_MS = 1_000;

/** Until when another try may begin, in milliseconds; one that is under way adds `SILENCE_MS` at most. */
export const READ_DEADLINE_MS = 2_000;
export const WRITE_DEADLINE_MS = 5_000;

export interface RedisOptions {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` over TLS. */
  readonly url: string;
  /** Begins every key, so that several installations can share a server: letters, digits, `.`, `_`, `-`. */
  readonly namespace: string;
  readonly log: Log;
  /** Ends the waiting for a server that is absent, with `Interrupted`. */
  readonly signal?: AbortSignal;
}

export interface RedisLink {
  readonly redis: Redis;
  /** Host, port and database, without credentials. */
  readonly server: string;
  /**
   * Tries until it works, an answer says that it never will, or `deadlineMs` are over: then `RedisUnavailable`, of which a
   * write may have happened.
   */
  call<T>(work: (redis: Redis) => Promise<T>, deadlineMs: number): Promise<T>;
  /** Called at each connection, the present one included if it is up. */
  onReady(listener: () => void): void;
  /** Rejects with a sentence unless the server answers now. */
  health(): Promise<void>;
  close(): Promise<void>;
}

const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/**
 * Waits for a server that is absent, saying so in the log. Rejects with a `StartError` for wrong credentials or a database
 * that there is not. `check` looks at the server once it answers.
 */
export async function openRedis(
  options: RedisOptions & { readonly what: string },
  check?: (redis: Redis, server: string) => Promise<void>,
): Promise<RedisLink> {
  const { url, namespace, what, log, signal } = options;
  if (!NAMESPACE.test(namespace)) throw new StartError(`The namespace ${namespace} cannot begin the keys in Redis.`);
  const server = withoutCredentials(url);
  const redis = new Redis(url, {
    lazyConnect: true,
    protocol: 2,
    connectionName: `${namespace}:${what.replaceAll(' ', '-')}`,
    connectTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    keepAlive: PING_MS,
    noDelay: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // Commands of one round of the event loop go in one write; each keeps an answer of its own.
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: Object.values(LARGE_COMMANDS),
    // What was on its way when a connection ends is rejected at once.
    maxRetriesPerRequest: 0,
    enableReadyCheck: true,
    maxLoadingRetryTime: 50,
    retryStrategy: (times) => backOff(times, RECONNECT.first, RECONNECT.most) * (0.75 + Math.random() / 2),
    // A primary that has become a replica: the address may lead to another one by now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });

  const opening = Promise.withResolvers<void>();
  const waiting = new Set<() => void>();
  let lastError = new Error('it has not answered yet');
  let opened = false;
  let closed = false;
  const warn = saySeldom((err: Error) =>
    log.warn({ server, what, err }, opened ? 'Redis is away' : 'waiting for Redis'),
  );

  redis.on('error', (error: Error) => {
    lastError = error;
    if (!opened && isAboutCredentials(error)) {
      opening.reject(new StartError(`Redis at ${server} refuses the credentials in its URL: ${error.message}.`));
      return;
    }
    if (!opened && /DB index is out of range/.test(error.message)) {
      opening.reject(new StartError(`Redis at ${server} has no such database: ${error.message}.`));
      return;
    }
    if (!closed) warn(error);
  });
  redis.on('ready', () => {
    if (warn.over()) log.info({ server, what }, 'Redis answers again');
    opening.resolve();
    for (const go of waiting) go();
  });

  const pinging = setInterval(() => {
    // What it finds is told by the connection's own end.
    if (redis.status === 'ready') redis.ping().catch(() => undefined);
  }, PING_MS);
  pinging.unref();

  async function readyWithin(ms: number): Promise<void> {
    if (redis.status === 'ready' || ms <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.add(resolve);
    await atMost(ms, promise);
    waiting.delete(resolve);
  }

  async function call<T>(work: (redis: Redis) => Promise<T>, deadlineMs: number): Promise<T> {
    const until = performance.now() + deadlineMs;
    const once = async () => {
      if (!closed && redis.status !== 'ready') await readyWithin(until - performance.now());
      if (closed) throw new Error(`the connection to Redis (${what}) is closed`);
      return work(redis);
    };
    const isHopeless = (error: unknown) => closed || isRefusal(error) || isFinal(error) || isOurs(error);
    try {
      return await persist(once, undefined, () => undefined, {
        isHopeless,
        waitMs: (failures) => backOff(failures, RETRY.first, RETRY.most),
        until,
      });
    } catch (error) {
      if (isHopeless(error)) throw error;
      const cause = redis.status === 'ready' ? error : lastError;
      throw new RedisUnavailable(`Redis at ${server} cannot be used: ${asError(cause).message}`, { cause });
    }
  }

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    clearInterval(pinging);
    // Answers what was asked before; away, there is nobody to say goodbye to.
    if (redis.status === 'ready') await atMost(QUIT_MS, redis.quit()).catch(() => undefined);
    redis.disconnect();
    for (const go of waiting) go();
  }

  const interrupt = () => opening.reject(new Interrupted('stopped while waiting for Redis', { cause: lastError }));
  signal?.addEventListener('abort', interrupt);
  if (signal?.aborted) interrupt();
  try {
    // A failure is told by the events above, and tried again.
    redis.connect().catch(() => undefined);
    await opening.promise;
    await (check && call((client) => check(client, server), WRITE_DEADLINE_MS));
    opened = true;
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }

  return {
    redis,
    server,
    call,
    onReady(listener) {
      redis.on('ready', listener);
      if (redis.status === 'ready') listener();
    },
    async health() {
      if (closed) throw new Error('Redis: the connection is closed');
      if (redis.status !== 'ready') throw new Error(`Redis at ${server} does not answer: ${lastError.message}`);
      await redis.ping();
    },
    close,
  };
}

/** A fault in what was asked or in how an answer is read, which another try would only repeat. */
const isOurs = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;

function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) throw new StartError('The URL of Redis is not a URL.');
  const { host, pathname } = new URL(url);
  return `${host}${pathname === '/' ? '' : pathname}`;
}
