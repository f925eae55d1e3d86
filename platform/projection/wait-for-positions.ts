// Waiting until a projection has seen what a consistency token names.

import { createBell } from '../patience/bell.ts';
import { partitionName, type Positions } from '../positions.ts';
import type { LiveChannel } from '../live-channel/live-channel.ts';
import { projectionChannel } from './projection.ts';

export interface WantedPosition {
  readonly topic: string;
  readonly partition: number;
  readonly position: bigint;
}

export interface PositionWait {
  /** The projection's name. */
  readonly projection: string;
  /** Those that it consumes: what is wanted of another topic counts as passed. */
  readonly topics: readonly string[];
  /** The projection's positions as a reader sees them now. */
  readonly positions: () => Promise<Positions>;
  readonly live: Pick<LiveChannel, 'subscribe'>;
  readonly wanted: readonly WantedPosition[];
  readonly timeoutMs: number;
  /** Wake-ups may be lost: it looks this often besides; default 250 ms. */
  readonly pollMs?: number;
}

/** True once all wanted positions are passed, false when that takes too long. Rejects when positions cannot be read. */
export async function waitForPositions(wait: PositionWait): Promise<boolean> {
  const { projection, topics, positions, live, timeoutMs, pollMs = 250 } = wait;
  const wanted = wait.wanted
    .filter(({ topic }) => topics.includes(topic))
    .map(({ topic, partition, position }) => ({ name: partitionName(topic, partition), position }));
  const passed = (now: Positions) => wanted.every(({ name, position }) => (now.get(name) ?? 0n) >= position);
  if (passed(new Map())) return true;

  const bell = createBell();
  const heard = new Map<string, bigint>();
  // Only a wake-up after which all may have passed is worth a look: under load there are many.
  const unsubscribe = live.subscribe(projectionChannel(projection), ({ value }) => {
    for (const [name, position] of movedBy(value)) heard.set(name, position);
    if (passed(heard)) bell.ring();
  });
  const until = performance.now() + timeoutMs;
  try {
    for (;;) {
      const now = await positions();
      if (passed(now)) return true;
      const left = until - performance.now();
      if (left <= 0) return false;
      for (const { name } of wanted) heard.set(name, max(heard.get(name), now.get(name)));
      await bell.wait(Math.min(pollMs, left));
    }
  } finally {
    unsubscribe();
  }
}

const max = (a = 0n, b = 0n) => (a > b ? a : b);

/** The positions that a wake-up tells; none if it is not one. */
function movedBy(value: unknown): [string, bigint][] {
  const { positions } = (value ?? {}) as { readonly positions?: unknown };
  if (typeof positions !== 'object' || positions === null) return [];
  return Object.entries(positions).flatMap(([name, position]): [string, bigint][] =>
    typeof position === 'string' && /^\d+$/.test(position) ? [[name, BigInt(position)]] : [],
  );
}
