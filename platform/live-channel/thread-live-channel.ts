// The live channel of a thread that is not the hub's: everything goes through the hub, which numbers the messages, so
// the thread's own listeners hear its messages when they come back.

import type { MessagePort } from 'node:worker_threads';
import type { Log } from '../logging/log.ts';
import { openBatchedPort } from './batched-port.ts';
import type { LiveText } from './kept-messages.ts';
import { createListeners, liveText, parseLive } from './listeners.ts';
import type { LiveChannel } from './live-channel.ts';

/** What a thread tells the hub. */
export type ToHub =
  | readonly ['publish', channel: string, text: string, keep: boolean]
  | readonly ['subscribe', channel: string]
  | readonly ['unsubscribe', channel: string]
  | readonly ['recent', id: number, channel: string, after: number];

/** What the hub tells a thread. */
export type FromHub =
  | readonly ['message', channel: string, sequence: number, text: string]
  | readonly ['recent', id: number, messages: readonly LiveText[]];

/** `port` comes from the hub's `connect`. A hub that is gone answers `recent` with nothing. */
export function connectLiveChannel(port: MessagePort, log: Log): LiveChannel {
  const listeners = createListeners(log);
  const asked = new Map<number, (messages: readonly LiveText[]) => void>();
  let lastId = 0;
  const answer = (id: number, messages: readonly LiveText[]) => {
    asked.get(id)?.(messages);
    asked.delete(id);
    if (asked.size === 0) port.unref();
  };
  const hub = openBatchedPort<ToHub>({
    port,
    receive(items) {
      for (const item of items as readonly FromHub[]) {
        if (item[0] === 'message') listeners.deliver(item[1], { sequence: item[2], text: item[3] });
        else answer(item[1], item[2]);
      }
    },
    closed() {
      for (const id of asked.keys()) answer(id, []);
    },
  });
  let open = true;
  return {
    publish(channel, value, { keep = true } = {}) {
      if (!open) return;
      const text = liveText(channel, value, log);
      if (text !== undefined) hub.post(['publish', channel, text, keep], channel.length + text.length + 1);
    },
    subscribe(channel, listener) {
      if (!open) return () => undefined;
      if (!listeners.has(channel)) {
        hub.post(['subscribe', channel]);
        hub.flush(); // "from now on" should begin now, not at the end of this round of the loop
      }
      const end = listeners.add(channel, listener);
      return () => {
        if (end()) hub.post(['unsubscribe', channel]);
      };
    },
    async recent(channel, after = -1) {
      const id = ++lastId;
      const messages = await new Promise<readonly LiveText[]>((resolve) => {
        asked.set(id, resolve);
        if (hub.post(['recent', id, channel, after])) port.ref();
        else answer(id, []);
      });
      return messages.map(parseLive);
    },
    async close() {
      open = false;
      listeners.clear();
      hub.close();
      for (const id of asked.keys()) answer(id, []);
    },
  };
}
