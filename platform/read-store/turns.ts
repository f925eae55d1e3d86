// Who of several processes does a thing that one should do: a turn kept in the read store, renewed while it is held. A
// holder that dies is followed within seconds. No clock is compared with another process's: whoever waits watches whether
// the turn is being renewed. Two may hold it for a moment (one that stood still for long), so it is only for work that two
// may do without harm.

import { randomUUID } from 'node:crypto';
import { pause } from '../patience/back-off.ts';
import { persist } from '../patience/persist.ts';
import type { Log } from '../logging/log.ts';
import type { ReadStore } from './read-store.ts';

export interface TurnOptions {
  readonly store: Pick<ReadStore, 'get' | 'apply'>;
  readonly what: string;
  readonly log: Log;
  readonly renewMs?: number;
  /** A turn that has not been renewed for so long is free. */
  readonly lapseMs?: number;
}

export interface Turn {
  /** Aborts when the turn is not ours any more. */
  readonly lost: AbortSignal;
  /** Lets the next one begin at once. */
  end(): Promise<void>;
}

/** Resolves when it is ours; undefined when the signal aborts before. */
export async function takeTurn(options: TurnOptions, signal: AbortSignal): Promise<Turn | undefined> {
  const { store, what, log, renewMs = 1_000, lapseMs = 5_000 } = options;
  const key = `turn:${what}`;
  const me = randomUUID();
  let revision = -1;

  /** One step on from the revision that was seen: only one of several makes it. */
  async function step(holder: string | null): Promise<boolean> {
    const value = { holder, step: randomUUID() };
    const next = revision + 1;
    await store.apply([{ key, revision: next, value }]);
    const [now] = await store.get([key]);
    const mine = now?.revision === next && (now.value as { step?: unknown }).step === value.step;
    if (mine) revision = next;
    return mine;
  }

  async function watch(): Promise<boolean> {
    let since = performance.now();
    let seen = Number.NaN;
    while (!signal.aborted) {
      const [now] = await store.get([key]);
      revision = now?.revision ?? -1;
      const isFree = !now || (now.value as { holder?: unknown } | null)?.holder === null;
      if (revision !== seen) since = performance.now();
      seen = revision;
      if ((isFree || performance.now() - since > lapseMs) && (await step(me))) return true;
      await pause(renewMs / 2, signal);
    }
    return false;
  }

  const trying = (err: unknown) => log.warn({ err, what }, 'a turn cannot be taken, trying again');
  try {
    if (!(await persist(watch, signal, trying, { isHopeless: () => false }))) return undefined;
  } catch (err) {
    if (signal.aborted) return undefined;
    throw err;
  }
  return hold();

  function hold(): Turn {
    const lost = new AbortController();
    const ended = new AbortController();
    let renewed = performance.now();
    const lose = () => {
      log.warn({ what }, 'a turn was lost');
      lost.abort();
    };
    const renew = async () => {
      while (!ended.signal.aborted && !lost.signal.aborted) {
        await pause(renewMs, ended.signal);
        if (ended.signal.aborted) return;
        try {
          if (!(await step(me))) return lose();
          renewed = performance.now();
        } catch (err) {
          log.warn({ err, what }, 'a turn cannot be renewed');
          if (performance.now() - renewed > lapseMs) return lose();
        }
      }
    };
    const renewing = renew();
    return {
      lost: lost.signal,
      async end() {
        ended.abort();
        await renewing;
        if (lost.signal.aborted) return;
        await step(null).catch((err: unknown) => log.warn({ err, what }, 'a turn could not be given back'));
      },
    };
  }
}
