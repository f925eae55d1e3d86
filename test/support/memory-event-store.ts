// A small log in memory that keeps the event store's rules, for tests that need a log and no disk. Its positions are far
// apart, as a server's are, and it refuses to begin between two events: nobody may compute one.

import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { WrongExpectedRevision, type EventStore, type ExpectedRevision } from '#platform/event-store/event-store.ts';

const CHUNK = 500;
/** From each to the next. */
export const APART = 131n;
/** The first event's place. */
export const FIRST = 57n;

export function createMemoryEventStore(now: () => number = Date.now): EventStore {
  const log: RecordedEvent[] = [];
  const streams = new Map<string, RecordedEvent[]>();
  const listeners = new Set<() => void>();

  const lastPosition = () => log.at(-1)?.position ?? 0n;

  /** Beyond the end means at the end; a place that is no event's is refused. */
  function indexAfter(position: bigint): number {
    if (position === 0n) return 0;
    if (position > lastPosition()) return log.length;
    if ((position - FIRST) % APART !== 0n) throw new Error(`no event stands at ${position}`);
    return Number((position - FIRST) / APART) + 1;
  }

  /** The answer given before, when the same ids were appended at this revision already. */
  function repeated(events: readonly NewEvent[], written: readonly RecordedEvent[], expected: ExpectedRevision) {
    if (events.length === 0 || expected === 'any' || expected === 'stream_exists') return undefined;
    const first = expected === 'no_stream' ? 0 : expected + 1;
    const there = written.slice(first, first + events.length);
    if (there.length < events.length || !there.every((event, at) => event.id === events[at]?.id)) return undefined;
    return there.at(-1);
  }

  function fits(expected: ExpectedRevision, actual: number | undefined): boolean {
    if (expected === 'any') return true;
    if (expected === 'stream_exists') return actual !== undefined;
    return expected === 'no_stream' ? actual === undefined : actual === expected;
  }

  return {
    async append(stream, events, expected) {
      const written = streams.get(stream) ?? [];
      const actual = written.at(-1)?.revision;
      const before = repeated(events, written, expected);
      if (before) return { revision: before.revision, position: before.position };
      if (!fits(expected, actual)) throw new WrongExpectedRevision(stream, expected, actual);
      for (const event of structuredClone(events)) {
        const recorded = {
          ...event,
          stream,
          revision: written.length,
          position: log.length === 0 ? FIRST : lastPosition() + APART,
          recordedAt: now(),
        };
        written.push(recorded);
        log.push(recorded);
      }
      streams.set(stream, written);
      for (const listener of listeners) listener();
      return { revision: written.length - 1, position: lastPosition() };
    },
    async readStream(stream, { from, limit = 1_000, backwards = false } = {}) {
      const events = streams.get(stream) ?? [];
      if (!backwards) return events.slice(from ?? 0, (from ?? 0) + limit);
      return events
        .slice(0, (from ?? events.length) + 1)
        .toReversed()
        .slice(0, limit);
    },
    async readAll(after, limit) {
      const next = indexAfter(after);
      return log.slice(next, next + limit);
    },
    async head() {
      return lastPosition();
    },
    async *subscribeAll(after, signal) {
      for (let next = indexAfter(after); !signal.aborted;) {
        const chunk = log.slice(next, next + CHUNK);
        next += chunk.length;
        if (chunk.length > 0) yield chunk;
        else await appended(listeners, signal);
      }
    },
    generation: 'memory',
    async close() {},
  };
}

function appended(listeners: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      listeners.delete(done);
      signal.removeEventListener('abort', done);
      // Another round of the event loop, as a real store would need.
      setImmediate(resolve);
    };
    listeners.add(done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
