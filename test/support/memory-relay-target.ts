// What relays write to, in memory: one turn at a time, fencing, all or nothing. Its faults are told to it.

import { Interrupted } from '#platform/patience/persist.ts';
import { assertAscending } from '#platform/relay/assert-ascending.ts';
import {
  type EncodedEvent,
  type RelayCheckpoint,
  RelayFenced,
  type RelayLimits,
  type RelayTarget,
} from '#platform/relay/relay-target.ts';
import type { RelayedRecord } from './check-relayed.ts';

export interface MemoryRelayLog {
  /** One relay's target; the first one opened has the turn until it is closed. */
  open(): RelayTarget;
  readonly records: ReadonlyMap<string, readonly RelayedRecord[]>;
  /** Events of each write that was done. */
  readonly batches: readonly number[];
  checkpoint: RelayCheckpoint | undefined;
  /** Told of each write before it is done; what it throws is the outcome, `after` the write if it says so. */
  fault: ((events: readonly EncodedEvent[]) => Promise<'after' | undefined> | undefined) | undefined;
  /** As if another process had opened a session. */
  fence(): void;
  /** As if the broker gave the turn to another. */
  takeAway(): void;
  opened: number;
}

export function createMemoryRelayLog(
  limits: RelayLimits = { maxEvents: 100, maxBytes: 50_000, maxPartitionBytes: 10_000 },
) {
  const records = new Map<string, RelayedRecord[]>();
  const batches: number[] = [];
  const queue: { readonly target: object; grant: () => void }[] = [];
  let epoch = 0;
  let lost = new AbortController();

  const log: MemoryRelayLog = {
    records,
    batches,
    checkpoint: undefined,
    fault: undefined,
    opened: 0,
    fence: () => void (epoch += 1),
    takeAway() {
      lost.abort();
      lost = new AbortController();
    },
    open() {
      const closing = new AbortController();
      const me = { target: {}, grant: () => undefined as void };
      queue.push(me);
      const target: RelayTarget = {
        limits,
        async turn(signal) {
          const ended = AbortSignal.any([signal, closing.signal]);
          while (queue[0] !== me && !ended.aborted) {
            await new Promise<void>((resolve) => {
              me.grant = resolve;
              ended.addEventListener('abort', () => resolve(), { once: true });
            });
          }
          if (ended.aborted) throw new Interrupted('the turn ended');
          const mine = AbortSignal.any([lost.signal, closing.signal]);
          return { lost: mine, open: async () => openSession() };
        },
        encode: async (events) =>
          events.map(({ event, topic, partition }) => ({
            topic,
            partition,
            position: event.position,
            bytes: JSON.stringify(event.data).length,
            message: event,
          })),
        waitsFor: () => null,
        health: () => Promise.resolve(),
        async close() {
          closing.abort();
          const at = queue.indexOf(me);
          if (at >= 0) queue.splice(at, 1);
          queue[0]?.grant();
        },
      };
      return target;
    },
  };

  function openSession() {
    const mine = ++epoch;
    let isUseless = false;
    let last = log.checkpoint?.position ?? 0n;
    log.opened += 1;
    const assertUsable = () => {
      if (mine !== epoch) throw new RelayFenced('another session was opened');
      if (isUseless) throw new Error('this session has failed before');
    };
    return {
      checkpoint: log.checkpoint,
      async write(events: readonly EncodedEvent[], checkpoint: RelayCheckpoint) {
        try {
          assertUsable();
          assertAscending(last, events, checkpoint.position);
          const when = await log.fault?.(events);
          assertUsable();
          for (const { topic, partition, message } of events) {
            const place = `${topic}/${partition}`;
            records.set(place, [...(records.get(place) ?? []), message as RelayedRecord]);
          }
          log.checkpoint = checkpoint;
          last = checkpoint.position;
          batches.push(events.length);
          if (when === 'after') throw new Error('the answer was lost');
        } catch (err) {
          isUseless = true;
          throw err;
        }
      },
      close: () => Promise.resolve(),
    };
  }
  return log;
}
