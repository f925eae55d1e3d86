// The live channel over Redis, for services in processes of their own: scripts number and keep the messages there, pub/sub
// brings them. One connection speaks, another listens to all channels. Whoever listens when the connection is lost misses
// what is said until it is back, and finds what was kept by `recent`.

import { asError } from '../errors.ts';
import { openRedis, READ_DEADLINE_MS, type RedisOptions } from '../redis/open-redis.ts';
import { KEPT_BOUNDS } from './kept-messages.ts';
import { createListeners, liveText, parseLive } from './listeners.ts';
import type { LiveChannel, LiveMessage } from './live-channel.ts';
import { beginScript } from './redis-live-script.ts';
import { createRedisPublisher } from './redis-publisher.ts';

/** Channels named in one command. */
const SUBSCRIBED_AT_ONCE = 500;
/** How long a close waits for what was said before it. */
const LAST_WORDS_MS = 1_000;

export interface RedisLiveChannel extends LiveChannel {
  /** Rejects with a sentence unless the server answers now. */
  health(): Promise<void>;
}

/** While Redis is away messages wait, up to a bound, and `recent` answers nothing after some seconds. */
export async function openRedisLiveChannel(options: RedisOptions): Promise<RedisLiveChannel> {
  const { namespace, log } = options;
  const prefix = `{${namespace}}:`;
  const topicOf = (channel: string) => `${prefix}l:${channel}`;
  const speaking = await openRedis({ ...options, what: 'live channel' });
  const hearing = await openRedis({ ...options, what: 'live channel listening' }).catch(async (error: unknown) => {
    await speaking.close();
    throw error;
  });
  const listeners = createListeners(log);
  const wanted = new Set<string>();
  const publisher = createRedisPublisher({
    link: speaking,
    prefix,
    begin: () => beginScript(speaking.redis, [`${prefix}lr`, `${prefix}lf`], []),
    log,
  });
  let open = true;

  // Failures are the connection's: all is subscribed anew at the next.
  const ignore = () => undefined;
  const whileReady = (work: () => Promise<unknown>) => {
    if (hearing.redis.status === 'ready') work().catch(ignore);
  };

  hearing.redis.on('message', (topic: string, payload: string) => {
    const at = payload.indexOf(' ');
    try {
      const message = { sequence: Number(payload.slice(0, at)), text: payload.slice(at + 1) };
      listeners.deliver(topic.slice(topicOf('').length), message);
    } catch (err) {
      log.error({ err, topic }, 'a live message could not be read');
    }
  });
  hearing.onReady(() => {
    const topics = [...wanted].map(topicOf);
    for (let from = 0; from < topics.length; from += SUBSCRIBED_AT_ONCE) {
      whileReady(() => hearing.redis.subscribe(...topics.slice(from, from + SUBSCRIBED_AT_ONCE)));
    }
  });
  speaking.onReady(() => publisher.resume());

  async function keptOf(channel: string): Promise<{ readonly now: number; readonly entries: readonly string[] }> {
    const answers = await speaking.call(
      (redis) => redis.multi().time().lrange(`${prefix}lk:${channel}`, 0, -1).exec(),
      READ_DEADLINE_MS,
    );
    const [time, entries] = (answers ?? []).map(([error, answer]) => {
      if (error) throw asError(error);
      return answer;
    });
    const [seconds] = time as string[];
    return { now: Number(seconds) * 1_000, entries: entries as string[] };
  }

  return {
    publish(channel, value, { keep = true } = {}) {
      if (!open) return;
      const text = liveText(channel, value, log);
      if (text !== undefined) publisher.publish({ channel, text, keep });
    },
    subscribe(channel, listener) {
      if (!open) return () => undefined;
      const isFirst = !listeners.has(channel);
      const end = listeners.add(channel, listener);
      if (isFirst) {
        wanted.add(channel);
        whileReady(() => hearing.redis.subscribe(topicOf(channel)));
      }
      return () => {
        if (!end()) return;
        wanted.delete(channel);
        whileReady(() => hearing.redis.unsubscribe(topicOf(channel)));
      };
    },
    async recent(channel, after = -1): Promise<LiveMessage[]> {
      if (!open) return [];
      try {
        // What was subscribed and published here before comes first: the answer to a ping follows those of what was sent
        // before it.
        await Promise.all([publisher.said(READ_DEADLINE_MS), hearing.call((redis) => redis.ping(), READ_DEADLINE_MS)]);
        const { now, entries } = await keptOf(channel);
        return entries
          .map(parseEntry)
          .filter(({ sequence, at }) => sequence > after && at >= now - KEPT_BOUNDS.ageMs)
          .map(parseLive);
      } catch (err) {
        if (open) log.warn({ err, channel }, 'the kept messages of a live channel cannot be read');
        return [];
      }
    },
    async health() {
      await Promise.all([speaking.health(), hearing.health()]);
    },
    async close() {
      if (!open) return;
      open = false;
      listeners.clear();
      publisher.end();
      if (speaking.redis.status === 'ready') await publisher.said(LAST_WORDS_MS);
      await Promise.all([speaking.close(), hearing.close()]);
    },
  };
}

function parseEntry(entry: string) {
  const first = entry.indexOf(' ');
  const second = entry.indexOf(' ', first + 1);
  return {
    sequence: Number(entry.slice(0, first)),
    at: Number(entry.slice(first + 1, second)),
    text: entry.slice(second + 1),
  };
}
