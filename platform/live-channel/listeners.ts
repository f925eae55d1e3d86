// The listeners of one thread. Each message is parsed once for all of a channel's listeners on the thread.

import type { Log } from '../logging/log.ts';
import type { LiveMessage } from './live-channel.ts';
import type { LiveText } from './kept-messages.ts';

export type Listener = (message: LiveMessage) => void;

/** A message that is heard by many, or asked for again by `recent`, is parsed once and is one object to all of them. */
const parsed = new WeakMap<LiveText, LiveMessage>();

export function parseLive(live: LiveText): LiveMessage {
  const known = parsed.get(live);
  if (known !== undefined) return known;
  const message = { sequence: live.sequence, value: JSON.parse(live.text) as unknown };
  parsed.set(live, message);
  return message;
}

/** The JSON text of a value, or undefined when it is none: publishing never fails, so that is told to the log. */
export function liveText(channel: string, value: unknown, log: Log): string | undefined {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (err) {
    log.error({ err, channel }, 'a live message is not JSON and was dropped');
    return undefined;
  }
}

interface Registration {
  readonly listener: Listener;
  /** Messages up to this one were published before it listened. */
  readonly since: number;
  ended: boolean;
}

export function createListeners(log: Log) {
  const channels = new Map<string, Registration[]>();
  return {
    has: (channel: string) => channels.has(channel),
    /** Returns what ends it, which answers whether it was the channel's last. */
    add(channel: string, listener: Listener, since = -1): () => boolean {
      const registration: Registration = { listener, since, ended: false };
      channels.set(channel, [...(channels.get(channel) ?? []), registration]);
      return () => {
        if (registration.ended) return false;
        registration.ended = true;
        const left = (channels.get(channel) ?? []).filter((other) => other !== registration);
        if (left.length > 0) channels.set(channel, left);
        else channels.delete(channel);
        return left.length === 0;
      };
    },
    deliver(channel: string, text: LiveText): void {
      const registrations = channels.get(channel);
      if (!registrations) return;
      const message = parseLive(text);
      for (const registration of registrations) {
        if (registration.ended || message.sequence <= registration.since) continue;
        try {
          registration.listener(message);
        } catch (err) {
          log.error({ err, channel }, 'a listener of a live channel threw');
        }
      }
    },
    clear: () => channels.clear(),
  };
}
