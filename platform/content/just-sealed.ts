// What one thread of this process has sealed a moment ago, told to the others in passing: whoever reads it next need not
// decrypt it. It may be lost or late, then it is decrypted; it is never written, and forgotten within the time for which a
// key is known.

import { BroadcastChannel } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';

/** Milliseconds between messages: one for each seal would cost more than it saves. */
const TELL_EVERY_MS = 4;
/** Less than the 60 seconds within which an erased subject's content stops being readable. */
const LIFE_MS = 10_000;
const SWEEP_MS = 10_000;
const MOST_BYTES = 8 * 1_048_576;
/** Messages in a row of which a thread that tells nothing itself has used nothing: it hears no more until it opens something. */
const MOST_UNUSED = 256;

export interface JustSealed {
  /** Tells the other threads what was sealed with a key; nobody once this is closed. */
  tell(keyId: string, sealed: string, text: string): void;
  /** The text, once, if another thread has told it lately. */
  take(keyId: string, sealed: string): string | undefined;
  close(): void;
}

type Told = readonly (readonly [name: string, text: string])[];

const nameOf = (keyId: string, sealed: string) => `${keyId} ${sealed}`;

export function openJustSealed(): JustSealed {
  const known = new LRUCache<string, string>({
    maxSize: MOST_BYTES,
    sizeCalculation: (text, name) => 64 + text.length + name.length,
    ttl: LIFE_MS,
  });
  let pending: [string, string][] = [];
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let channel: BroadcastChannel | undefined;
  let unused = 0;

  const hear = (event: unknown) => {
    for (const [name, text] of (event as MessageEvent).data as Told) known.set(name, text);
    unused += 1;
    if (unused > MOST_UNUSED) leave();
  };

  /** Whoever is on the channel is handed every message, wanted or not. */
  function join(): BroadcastChannel {
    unused = 0;
    if (channel) return channel;
    channel = new BroadcastChannel('defter just sealed');
    channel.addEventListener('message', hear);
    channel.unref();
    return channel;
  }

  function leave(): void {
    channel?.close();
    channel = undefined;
    known.clear();
  }

  const sweeping = setInterval(() => known.purgeStale(), SWEEP_MS).unref();

  function flush(): void {
    timer = undefined;
    join().postMessage(pending satisfies Told);
    pending = [];
  }

  return {
    tell(keyId, sealed, text) {
      if (closed) return;
      pending.push([nameOf(keyId, sealed), text]);
      timer ??= setTimeout(flush, TELL_EVERY_MS).unref();
    },
    take(keyId, sealed) {
      if (!closed) join();
      if (known.size === 0) return undefined;
      const name = nameOf(keyId, sealed);
      const text = known.get(name);
      if (text !== undefined) known.delete(name);
      return text;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(sweeping);
      leave();
    },
  };
}
