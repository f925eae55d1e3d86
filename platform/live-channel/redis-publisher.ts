// Messages on their way to Redis: those of one round of the event loop go as one call, and the next call goes when the one
// before was answered, so they keep their order. While the server is away they wait, up to a bound, and are lost beyond it;
// so are those of a call that got no answer, for they may have arrived.

import type { Log } from '../logging/log.ts';
import type { RedisLink } from '../redis/open-redis.ts';
import { publishScript } from './redis-live-script.ts';
import { createFifo } from '../fifo.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import { atMost } from '../patience/within.ts';

const MOST_MESSAGES = 20_000;
const MOST_CHARACTERS = 16_777_216;
/** What one call takes: some milliseconds of the server. */
const CALL = { messages: 300, characters: 524_288 } as const;

interface Waiting {
  readonly channel: string;
  readonly text: string;
  readonly keep: boolean;
}

export interface RedisPublisher {
  publish(message: Waiting): void;
  /** Called at each connection. */
  resume(): void;
  /** Resolves when what was published before has been taken in or lost, or after `ms`. */
  said(ms: number): Promise<void>;
  /** Takes nothing more; what waits goes on. */
  end(): void;
}

export function createRedisPublisher(options: {
  readonly link: RedisLink;
  readonly prefix: string;
  /** Before the first message on each connection. */
  readonly begin: () => Promise<unknown>;
  readonly log: Log;
}): RedisPublisher {
  const { link, prefix, begin, log } = options;
  const queue = createFifo<Waiting>();
  let characters = 0;
  let published = 0;
  let settled = 0;
  let isSending = false;
  let isDue = false;
  let hasBegun = false;
  let ended = false;
  const warn = saySeldom((count: number, err?: unknown) =>
    log.warn({ server: link.server, count, ...(err !== undefined && { err }) }, 'live messages were lost'),
  );
  const waiters = new Set<{ readonly until: number; readonly go: () => void }>();

  const lose = (count: number, err?: unknown) => {
    settled += count;
    warn(count, err);
  };

  const take = (): Waiting[] => {
    let size = 0;
    let count = 0;
    for (const { text } of queue) {
      size += text.length;
      if (count > 0 && (size > CALL.characters || count >= CALL.messages)) break;
      count++;
    }
    const batch = queue.take(count);
    for (const { text } of batch) characters -= text.length;
    return batch;
  };

  async function send(): Promise<void> {
    isDue = false;
    if (isSending) return;
    isSending = true;
    while (queue.size > 0 && link.redis.status === 'ready') {
      try {
        if (!hasBegun) await begin();
        hasBegun = true;
      } catch (err) {
        // Nothing is lost by it: it is tried again at the next connection, or with the next message.
        log.warn({ err, server: link.server }, 'live messages cannot be published yet');
        break;
      }
      const batch = take();
      const args = [prefix, ...batch.flatMap(({ channel, keep, text }) => [channel, keep ? '1' : '0', text])];
      try {
        await publishScript(link.redis, [`${prefix}lf`], args);
        settled += batch.length;
      } catch (err) {
        lose(batch.length, err);
      }
      for (const waiter of waiters) if (settled >= waiter.until) waiter.go();
    }
    isSending = false;
  }

  const go = () => void send();

  return {
    publish(message) {
      if (ended) return;
      published++;
      if (queue.size >= MOST_MESSAGES || characters + message.text.length > MOST_CHARACTERS) return lose(1);
      if (!isDue && !isSending) {
        isDue = true;
        setImmediate(go);
      }
      queue.push(message);
      characters += message.text.length;
    },
    resume() {
      hasBegun = false;
      go();
    },
    async said(ms) {
      const until = published;
      if (settled >= until) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { until, go: resolve };
      waiters.add(waiter);
      go();
      await atMost(ms, promise);
      waiters.delete(waiter);
    },
    end() {
      ended = true;
    },
  };
}
