// States of long streams, kept in the read store so that a command need not fold all that ever happened. A snapshot is
// never believed by itself: it names the event that it stands at, and is void where the log has another there. Losing
// them costs time only.

import { createHash } from 'node:crypto';
import type { Log } from '../logging/log.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import type { ReadStore } from '../read-store/read-store.ts';
import type { RememberedCommand } from './remembered-commands.ts';

export interface Snapshot {
  readonly revision: number;
  /** Of the event at that revision, which tells this log from another. */
  readonly eventId: string;
  /** A JSON value. */
  readonly state: unknown;
  readonly commands: readonly RememberedCommand[];
}

export interface Snapshots {
  /** Undefined where there is none, none by this program's `evolve`, or none that can be read now. */
  find(stream: string): Promise<Snapshot | undefined>;
  /** Whether snapshots are kept of such a stream. */
  has(stream: string): boolean;
  /** Does not reject: what the snapshot is of stands in the log already. */
  keep(stream: string, snapshot: Snapshot): Promise<void>;
}

/** `shapeOf` tells what a stream's states are made by, by any text that changes with it; undefined for a short stream. */
export function createSnapshots(
  readStore: Pick<ReadStore, 'get' | 'put'>,
  shapeOf: (stream: string) => string | undefined,
  log: Pick<Log, 'warn'>,
): Snapshots {
  const digests = new Map<string, string>();
  const digestOf = (shape: string) => {
    const known = digests.get(shape) ?? createHash('sha256').update(shape).digest('base64');
    digests.set(shape, known);
    return known;
  };
  const failed = saySeldom((stream: string, err: unknown) =>
    log.warn({ stream, err }, 'snapshots cannot be used now: long streams are folded anew'),
  );
  const keyOf = (stream: string) => `snapshot:${stream}`;
  return {
    has: (stream) => shapeOf(stream) !== undefined,
    async find(stream) {
      const shape = shapeOf(stream);
      if (shape === undefined) return undefined;
      try {
        const [document] = await readStore.get([keyOf(stream)]);
        const kept = document?.value as (Snapshot & { readonly shape: string }) | null | undefined;
        return kept?.shape === digestOf(shape) ? kept : undefined;
      } catch (err) {
        failed(stream, err);
        return undefined;
      }
    },
    async keep(stream, snapshot) {
      const shape = shapeOf(stream);
      if (shape === undefined) return;
      const put = readStore.put(keyOf(stream), { ...snapshot, shape: digestOf(shape) });
      await put.catch((err: unknown) => failed(stream, err));
    },
  };
}
