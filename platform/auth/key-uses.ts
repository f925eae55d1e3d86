// When each API key was last used: best effort, in the read store, beside the log. A request only notes it in memory; what
// was noted is written in its own time, for each key once a minute at most.

import { LRUCache } from 'lru-cache';
import { asError } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import type { ReadStore } from '../read-store/read-store.ts';

const ONCE_IN_MS = 60_000;
/** From the first use that is noted until it is written, with those noted meanwhile. */
const GATHERED_MS = 1_000;
const MOST_KEYS = 20_000;

export interface KeyUses {
  note(keyId: string): void;
  /** Writes what was noted. */
  close(): Promise<void>;
}

const useOf = (keyId: string) => `key-use:${keyId}`;

export function openKeyUses(readStore: Pick<ReadStore, 'put'>, log: Log, now: () => number = Date.now): KeyUses {
  const noted = new LRUCache<string, number>({ max: MOST_KEYS });
  let unwritten = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  const say = saySeldom((err: Error) => log.warn({ err }, 'when keys were used could not be kept'), ONCE_IN_MS);

  const writeAfter = async (earlier: Promise<void>, batch: ReadonlyMap<string, number>) => {
    await earlier;
    for (const [keyId, at] of batch) await readStore.put(useOf(keyId), at).catch((error) => say(asError(error)));
  };

  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    writing = writeAfter(writing, unwritten);
    unwritten = new Map();
  };

  return {
    note(keyId) {
      const at = now();
      const before = noted.get(keyId);
      if (before !== undefined && at - before < ONCE_IN_MS) return;
      noted.set(keyId, at);
      unwritten.set(keyId, at);
      timer ??= setTimeout(write, GATHERED_MS).unref();
    },
    async close() {
      write();
      await writing;
    },
  };
}

/** In the order of the keys, in milliseconds since the epoch; undefined where none is known. */
export async function readKeyUses(
  readStore: Pick<ReadStore, 'get'>,
  keyIds: readonly string[],
): Promise<(number | undefined)[]> {
  const found = await readStore.get(keyIds.map(useOf));
  return found.map((document) => (typeof document?.value === 'number' ? document.value : undefined));
}
