// The last messages of each channel, bounded in every direction: per channel by number, bytes and age, over all by
// bytes and number of channels. What was published to least recently goes first.

import { LRUCache } from 'lru-cache';

/** A message before its value is parsed. */
export interface LiveText {
  readonly sequence: number;
  readonly text: string;
}

export interface KeptBounds {
  readonly messages: number;
  /** Characters of JSON text, per channel and over all. */
  readonly characters: number;
  readonly totalCharacters: number;
  readonly channels: number;
  readonly ageMs: number;
}

export const KEPT_BOUNDS: KeptBounds = {
  messages: 2_000,
  characters: 262_144,
  totalCharacters: 67_108_864,
  channels: 20_000,
  ageMs: 300_000,
};

/** What a message costs beside its text, so that empty ones are bounded too. */
const OVERHEAD = 100;

interface Kept {
  readonly messages: { readonly live: LiveText; readonly at: number }[];
  /** Index of the oldest that is still kept. */
  head: number;
  size: number;
}

export function createKeptMessages(now: () => number, bounds: KeptBounds = KEPT_BOUNDS) {
  let total = 0;
  // Used, and so ordered, when something is published.
  const channels = new LRUCache<string, Kept>({
    max: bounds.channels,
    dispose: (kept) => {
      total -= kept.size;
    },
  });

  const dropOldest = (kept: Kept) => {
    const size = kept.messages[kept.head]!.live.text.length + OVERHEAD;
    kept.head++;
    kept.size -= size;
    total -= size;
    if (kept.head < 512 || kept.head * 2 < kept.messages.length) return;
    kept.messages.splice(0, kept.head);
    kept.head = 0;
  };
  const trim = (kept: Kept, before: number) => {
    while (
      kept.head < kept.messages.length &&
      (kept.messages.length - kept.head > bounds.messages ||
        kept.size > bounds.characters ||
        kept.messages[kept.head]!.at < before)
    ) {
      dropOldest(kept);
    }
  };
  const begin = (channel: string) => {
    const kept: Kept = { messages: [], head: 0, size: 0 };
    channels.set(channel, kept);
    return kept;
  };

  return {
    add(channel: string, live: LiveText): void {
      const at = now();
      const kept = channels.get(channel) ?? begin(channel);
      const size = live.text.length + OVERHEAD;
      kept.messages.push({ live, at });
      kept.size += size;
      total += size;
      trim(kept, at - bounds.ageMs);
      while (total > bounds.totalCharacters) channels.pop();
    },
    recent(channel: string, after: number): LiveText[] {
      const kept = channels.peek(channel);
      if (!kept) return [];
      trim(kept, now() - bounds.ageMs);
      const found: LiveText[] = [];
      for (const { live } of kept.messages.slice(kept.head)) if (live.sequence > after) found.push(live);
      return found;
    },
    has: (channel: string) => channels.has(channel),
    /** Forgets what is over its age. */
    sweep(): void {
      const before = now() - bounds.ageMs;
      for (const name of channels.rkeys()) {
        if ((channels.peek(name)?.messages.at(-1)?.at ?? 0) >= before) return;
        channels.delete(name);
      }
    },
    /** Of all that is kept, each message's own cost included. */
    get characters() {
      return total;
    },
  };
}
