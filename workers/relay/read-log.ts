// The reading half of the relay: the log from a position on, routed and encoded, into the queue of what is to be written.

import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { RecordedEvent } from '#events/envelope.ts';
import { backOff, pause } from '#platform/patience/back-off.ts';
import { isFinal } from '#platform/errors.ts';
import { persist } from '#platform/patience/persist.ts';
import { unlessAborted } from '#platform/patience/within.ts';
import { LogIsNewer, type EventStore } from '#platform/event-store/event-store.ts';
import type { Log } from '#platform/logging/log.ts';
import type { EncodedEvent, RelayTarget, RoutedEvent } from '#platform/relay/relay-target.ts';
import type { BatchQueue } from './batch-queue.ts';

export interface ReadLogOptions {
  readonly store: Pick<EventStore, 'subscribeAll' | 'head'>;
  readonly target: Pick<RelayTarget, 'encode'>;
  /** undefined for a stream that this program does not know: it ends with `LogIsNewer`. */
  readonly topicOf: (stream: string) => string | undefined;
  readonly partitionOf: (topic: string, stream: string) => number;
  readonly queue: BatchQueue;
  /** Exclusive. */
  readonly after: bigint;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Trying again what failed, or undefined once it goes on. */
  readonly trouble: (what: string | undefined) => void;
}

/** Encoded at once, so that a transaction that runs meanwhile is served in between. */
const SLICE = 250;
/** Encoding takes milliseconds, unless a server must be asked that does not answer. */
const LATE_MS = 2_000;

/** Until the signal aborts; takes a dropped subscription up again. Rejects when the relay must not go on. */
export async function readLog(options: ReadLogOptions): Promise<void> {
  const { store, queue, signal, log, trouble } = options;
  let position = options.after;
  for (let drops = 0; !signal.aborted;) {
    try {
      if (drops > 0) {
        await store.head();
        trouble(undefined);
      }
      for await (const events of store.subscribeAll(position, signal)) {
        for (let at = 0; at < events.length; at += SLICE) {
          const slice = events.slice(at, at + SLICE);
          await queue.room();
          if (signal.aborted) return;
          const { routed, unknown } = route(slice, options);
          queue.push(await encode(routed, options));
          if (unknown) throw unknown;
          position = slice.at(-1)?.position ?? position;
          // Encoding does not wait for anything: transactions under way want to go on.
          if (events.length > SLICE) await letOthersRun();
        }
        drops = 0;
      }
      if (signal.aborted) return;
      log.warn({ position: String(position) }, 'the subscription to the log ended, and is taken up again');
    } catch (err) {
      if (signal.aborted) return;
      if (isFinal(err)) throw err;
      log.warn({ err, position: String(position) }, 'the subscription to the log dropped, and is taken up again');
    }
    trouble('the event store does not answer');
    await pause(backOff(++drops), signal);
  }
}

/** The events before the first one without a topic, and what is to be said of that one. */
function route(events: readonly RecordedEvent[], { topicOf, partitionOf }: ReadLogOptions) {
  const routed: RoutedEvent[] = [];
  for (const event of events) {
    const topic = topicOf(event.stream);
    if (topic === undefined) {
      const { stream, type, revision } = event;
      const unknown = `the log is newer than this program: it knows no topic for ${stream} (${type}, revision ${revision})`;
      return { routed, unknown: new LogIsNewer(unknown) };
    }
    routed.push({ event, topic, partition: partitionOf(topic, event.stream) });
  }
  return { routed, unknown: undefined };
}

/** Tries again what may pass; those before an event that cannot be encoded are queued before it is reported. */
async function encode(events: readonly RoutedEvent[], options: ReadLogOptions): Promise<readonly EncodedEvent[]> {
  const { target, queue, signal, log, trouble } = options;
  let isLate = false;
  const wait = (why: string) => {
    isLate = true;
    trouble(why);
  };
  const late = setTimeout(() => wait('events wait to be encoded'), LATE_MS);
  const warn = (err: unknown, attempt: number) => {
    log.warn({ err, attempt }, 'events cannot be encoded yet, trying again');
    wait('events cannot be encoded');
  };
  // Encoding may wait for a server without end.
  const encoded = (some: readonly RoutedEvent[]) => unlessAborted(target.encode(some), signal);
  try {
    return await persist(() => encoded(events), signal, warn);
  } catch (err) {
    if (isFinal(err)) for (const event of events) queue.push(await encoded([event]));
    throw err;
  } finally {
    clearTimeout(late);
    if (isLate) trouble(undefined);
  }
}
