import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { connectLiveChannel } from '#platform/live-channel/thread-live-channel.ts';
import { createQuietLog } from './quiet-log.ts';

/** A hub in a thread of its own, and what connects to it from this one. */
export function startHubThread() {
  const thread = new Worker(new URL('./live-hub-thread.ts', import.meta.url));
  const open: LiveChannel[] = [];
  return {
    async connect(): Promise<LiveChannel> {
      thread.postMessage('connect', []);
      const [port] = (await once(thread, 'message')) as [MessagePort];
      const channel = connectLiveChannel(port, createQuietLog());
      open.push(channel);
      return channel;
    },
    async close(): Promise<void> {
      for (const channel of open) await channel.close();
      await thread.terminate();
    },
  };
}
