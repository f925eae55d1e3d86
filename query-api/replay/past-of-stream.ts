// A stream as it was: its events up to a moment, and what each of them made of its state.

import { aggregateOf } from '#events/aggregates.ts';
import type { AnyAggregate } from '#events/aggregate.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { Snapshots } from '#platform/event-store/snapshots.ts';
import { ownShare } from '../in-turn.ts';
import { createRememberedStates } from './remembered-states.ts';

/** Most streams end within it, and what is remembered of a long one is nearly always as near. */
const FIRST_PAGE = 16;
const PAGE = 256;

/** A state, and the last event that it is made of. */
export interface StateThen {
  readonly state: unknown;
  readonly event: RecordedEvent;
}

/** What one event did. */
export interface Step {
  readonly event: RecordedEvent;
  readonly before: unknown;
  readonly after: unknown;
}

export interface Stretch {
  readonly revision: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly isWanted: (event: RecordedEvent) => boolean;
  readonly limit: number;
}

export interface PastPorts {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly snapshots: Pick<Snapshots, 'find'>;
}

export interface PastOfStreams {
  /** Undefined for a stream that never was. */
  first(stream: string): Promise<RecordedEvent | undefined>;
  /** Undefined where the stream is not born by then. */
  stateAt(stream: string, position: bigint): Promise<StateThen | undefined>;
  /** The last event up to a position. */
  lastUpTo(stream: string, position: bigint): Promise<RecordedEvent | undefined>;
  /** Events from a revision on, after a position and up to another, at most so many of those that are wanted. */
  between(stream: string, stretch: Stretch): Promise<RecordedEvent[]>;
  /** What the events of these revisions did, both included; of a long stretch perhaps only the few that are wanted. */
  steps(stream: string, from: number, to: number, isWanted?: (event: RecordedEvent) => boolean): Promise<Step[]>;
}

export function createPastOfStreams({ store, snapshots }: PastPorts): PastOfStreams {
  const remembered = createRememberedStates();

  const eventAt = async (stream: string, revision: number) =>
    (await store.readStream(stream, { from: revision, limit: 1 }))[0];

  /** Events from a revision on, up to a position; `some` is how many will nearly always do. */
  async function* eventsFrom(stream: string, first: number, position: bigint, some = FIRST_PAGE) {
    for (let from = first, limit = Math.min(some, PAGE); ; limit = PAGE) {
      const page = await store.readStream(stream, { from, limit });
      for (const event of page) {
        if (event.position > position) return;
        // What is read and folded at once would hold up all others, however long the stream.
        const pause = ownShare();
        if (pause) await pause;
        yield event;
      }
      if (page.length < limit) return;
      from += page.length;
    }
  }

  /** A state that is remembered or kept, if it is of this log, and of no later time than is asked for. */
  async function kept(stream: string, isWanted: (event: RecordedEvent) => boolean): Promise<StateThen | undefined> {
    const known = remembered.find(stream, (then) => isWanted(then.event));
    if (known && (await eventAt(stream, known.event.revision))?.id === known.event.id) return known;
    if (known) remembered.forget(stream);
    const snapshot = await snapshots.find(stream);
    if (!snapshot) return undefined;
    const event = await eventAt(stream, snapshot.revision);
    return event?.id === snapshot.eventId && isWanted(event) ? { state: snapshot.state, event } : undefined;
  }

  async function lastUpTo(stream: string, position: bigint): Promise<RecordedEvent | undefined> {
    const [newest] = await store.readStream(stream, { backwards: true, limit: 1 });
    if (!newest || newest.position <= position) return newest;
    let found: RecordedEvent | undefined;
    // Between one that is past, or none, and one that is not yet.
    for (let low = -1, high = newest.revision; high - low > 1;) {
      const middle = Math.floor((low + high) / 2);
      const event = await eventAt(stream, middle);
      if (event && event.position <= position) [found, low] = [event, middle];
      else high = middle;
    }
    return found;
  }

  return {
    first: (stream) => eventAt(stream, 0),
    lastUpTo,

    async between(stream, { revision, from, to, isWanted, limit }) {
      const before = await lastUpTo(stream, from);
      const events: RecordedEvent[] = [];
      for await (const event of eventsFrom(stream, Math.max(revision, (before?.revision ?? -1) + 1), to)) {
        if (isWanted(event)) events.push(event);
        if (events.length === limit) break;
      }
      return events;
    },

    async stateAt(stream, position) {
      const { initial, evolve } = foldOf(stream);
      let then = await kept(stream, (event) => event.position <= position);
      for await (const event of eventsFrom(stream, (then?.event.revision ?? -1) + 1, position)) {
        then = { state: evolve(then ? then.state : initial, event), event };
        remembered.note(stream, then);
      }
      return then;
    },

    async steps(stream, from, to, isWanted = () => true) {
      const { initial, evolve } = foldOf(stream);
      const base = from === 0 ? undefined : await kept(stream, ({ revision }) => revision < from);
      let state = base ? base.state : initial;
      const steps: Step[] = [];
      const first = (base?.event.revision ?? -1) + 1;
      for await (const event of eventsFrom(stream, first, LAST, to - first + 1)) {
        if (event.revision > to) break;
        const before = state;
        state = evolve(before, event);
        remembered.note(stream, { state, event });
        if (event.revision >= from && isWanted(event)) steps.push({ event, before, after: state });
        if (event.revision === to) break;
      }
      return steps;
    },
  };
}

/** Beyond every position. */
const LAST = 2n ** 64n;

/** Of a kind of stream that this program does not know there is no state. */
const foldOf = (stream: string): Pick<AnyAggregate, 'initial' | 'evolve'> =>
  aggregateOf(stream) ?? { initial: null, evolve: () => null };
