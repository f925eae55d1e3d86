// The live channel of one process. The hub lives on the main thread and gives every message its number; other threads
// connect by a MessagePort and are sent only the channels that they subscribed to.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Log } from '../logging/log.ts';
import { type BatchedPort, openBatchedPort } from './batched-port.ts';
import { createKeptMessages, KEPT_BOUNDS, type KeptBounds, type LiveText } from './kept-messages.ts';
import { createListeners, liveText, parseLive } from './listeners.ts';
import type { LiveChannel } from './live-channel.ts';
import type { FromHub, ToHub } from './thread-live-channel.ts';

const SWEEP_MS = 30_000;
/** Messages that wait for the next round of the event loop; more than these are dropped. */
const MOST_WAITING = 100_000;

export interface LiveHub extends LiveChannel {
  /** A port for another thread: transfer it, and `connectLiveChannel` there. It ends with that thread. */
  connect(): MessagePort;
}

export function openLiveHub(options: {
  readonly log: Log;
  readonly now?: () => number;
  readonly bounds?: KeptBounds;
}): LiveHub {
  const { log, now = Date.now, bounds = KEPT_BOUNDS } = options;
  const kept = createKeptMessages(now, bounds);
  const listeners = createListeners(log);
  const threads = new Map<string, Set<BatchedPort<FromHub>>>();
  const ports = new Set<BatchedPort<FromHub>>();
  const sequences = new Map<string, number>();
  // A channel that was forgotten begins again above every number given before, and above those of an earlier process
  // (which gave fewer than one a millisecond), so that a reader who resumes hears the new messages.
  let least = now();
  let forgetAt = 2 * bounds.channels;
  let waiting: (readonly [channel: string, message: LiveText])[] = [];
  let open = true;

  const hasAudience = (channel: string) => listeners.has(channel) || threads.has(channel);
  const forget = () => {
    kept.sweep();
    for (const [channel, sequence] of sequences) {
      if (hasAudience(channel) || kept.has(channel)) continue;
      sequences.delete(channel);
      if (sequence > least) least = sequence;
    }
    forgetAt = 2 * Math.max(sequences.size, bounds.channels);
  };
  const sweeping = setInterval(forget, SWEEP_MS);
  sweeping.unref();

  const flush = () => {
    const messages = waiting;
    waiting = [];
    for (const [channel, message] of messages) listeners.deliver(channel, message);
  };

  const say = (channel: string, text: string, keep: boolean) => {
    const sequence = (sequences.get(channel) ?? least) + 1;
    sequences.set(channel, sequence);
    if (sequences.size > forgetAt) forget();
    const message = { sequence, text };
    if (keep) kept.add(channel, message);
    for (const thread of threads.get(channel) ?? []) {
      thread.post(['message', channel, sequence, text], channel.length + text.length + 1);
    }
    if (!listeners.has(channel) || waiting.length >= MOST_WAITING) return;
    if (waiting.length === 0) setImmediate(flush);
    waiting.push([channel, message]);
  };

  const subscribeThread = (thread: BatchedPort<FromHub>, channel: string) => {
    const subscribed = threads.get(channel) ?? new Set();
    threads.set(channel, subscribed.add(thread));
  };
  const unsubscribeThread = (thread: BatchedPort<FromHub>, channel: string) => {
    const subscribed = threads.get(channel);
    if (subscribed?.delete(thread) && subscribed.size === 0) threads.delete(channel);
  };

  const connect = () => {
    const { port1, port2 } = new MessageChannel();
    const hear = (item: ToHub) => {
      if (item[0] === 'publish') {
        if (item[3] || hasAudience(item[1])) say(item[1], item[2], item[3]);
      } else if (item[0] === 'recent') thread.post(['recent', item[1], kept.recent(item[2], item[3])]);
      else if (item[0] === 'subscribe') subscribeThread(thread, item[1]);
      else unsubscribeThread(thread, item[1]);
    };
    const thread: BatchedPort<FromHub> = openBatchedPort<FromHub>({
      port: port1,
      receive(items) {
        for (const item of items as readonly ToHub[]) hear(item);
        flush(); // this is a round of the loop of its own already
      },
      closed() {
        ports.delete(thread);
        for (const channel of threads.keys()) unsubscribeThread(thread, channel);
      },
    });
    ports.add(thread);
    return port2;
  };

  return {
    connect,
    publish(channel, value, { keep = true } = {}) {
      if (!open || (!keep && !hasAudience(channel))) return;
      const text = liveText(channel, value, log);
      if (text !== undefined) say(channel, text, keep);
    },
    subscribe(channel, listener) {
      const end = listeners.add(channel, listener, sequences.get(channel));
      return () => void end();
    },
    recent: async (channel, after = -1) => kept.recent(channel, after).map(parseLive),
    async close() {
      open = false;
      clearInterval(sweeping);
      listeners.clear();
      for (const port of ports) port.close();
      ports.clear();
      threads.clear();
    },
  };
}
