// The one command handler: load, fold, decide, append at the revision read; only a conflict is retried.
// After https://github.com/oskardudycz/EventSourcing.NodeJS, samples/decider/src/core/commandHandling.ts

import { setTimeout as sleep } from 'node:timers/promises';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { type Appended, type EventStore, type ExpectedRevision, WrongExpectedRevision } from './event-store.ts';

export interface Decider<State> {
  readonly initial: State;
  readonly evolve: (state: State, event: RecordedEvent) => State;
}

export interface CommandHandling<State> {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly stream: string;
  readonly decider: Decider<State>;
  /** Pure; called again after a conflict. What it throws is passed on. */
  readonly decide: (state: State) => readonly NewEvent[];
  /** The revision that the caller has seen (If-Match): any other is `PreconditionFailed`. */
  readonly expected?: number;
  /**
   * For a stream named from the command, which is nearly always new: decides on the initial state and appends without
   * loading. If the stream exists it is loaded, and `decide` sees what is there. Without effect beside `expected`.
   */
  readonly create?: boolean;
  /** Appends tried before the conflict is passed on; default 8. */
  readonly attempts?: number;
}

export interface Handled<State> {
  /** With the appended events folded in. If they stood there already (a repeat), as it was after them. */
  readonly state: State;
  /** Of the stream's last event that is in `state`; -1 for a stream that does not exist. */
  readonly revision: number;
  /** Of the same event; 0n for a stream that does not exist. */
  readonly position: bigint;
  /** False when there was nothing to do. */
  readonly appended: boolean;
}

/** The stream is not at the revision that the caller asked for. */
export class PreconditionFailed extends Error {
  override name = 'PreconditionFailed';
  readonly code = 'precondition-failed';
  readonly retriable = false;
  readonly stream: string;
  readonly expected: number;
  /** The stream's last revision; undefined when it does not exist. */
  readonly actual: number | undefined;
  constructor(stream: string, expected: number, actual: number | undefined) {
    super(`${stream} is at revision ${actual ?? 'none'}, the caller expected ${expected}`);
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

type Folded<State> = Pick<Handled<State>, 'state' | 'revision' | 'position'>;

const pageLength = 500;
const longestPauseMs = 100;

export async function handleCommand<State>(handling: CommandHandling<State>): Promise<Handled<State>> {
  const { stream, decider, decide, expected, attempts = 8 } = handling;
  const absent: Folded<State> = { state: decider.initial, revision: -1, position: 0n };
  let guessed = handling.create === true && expected === undefined;
  let loaded = guessed ? absent : await load(handling, absent);
  for (let attempt = 1; ;) {
    if (expected !== undefined && loaded.revision !== expected) {
      throw new PreconditionFailed(stream, expected, loaded.revision === -1 ? undefined : loaded.revision);
    }
    const events = decide(loaded.state);
    if (events.length > 0) {
      try {
        return { ...(await append(handling, loaded, events)), appended: true };
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision) || attempt >= attempts) throw error;
      }
      // The first retry at once: a lost race is mostly over when it is lost.
      if (attempt > 1) await sleep(Math.random() * Math.min(longestPauseMs, 2 ** attempt));
      attempt += 1;
    } else if (!guessed) {
      return { ...loaded, appended: false };
    }
    guessed = false;
    loaded = await load(handling, loaded);
  }
}

/** Goes on from what is folded already. */
async function load<State>(handling: CommandHandling<State>, from: Folded<State>): Promise<Folded<State>> {
  let folded = from;
  for (;;) {
    const options = { from: folded.revision + 1, limit: pageLength };
    const page = await handling.store.readStream(handling.stream, options);
    folded = page.reduce((before, event) => fold(handling.decider, before, event), folded);
    if (page.length < pageLength) return folded;
  }
}

async function append<State>(
  handling: CommandHandling<State>,
  before: Folded<State>,
  events: readonly NewEvent[],
): Promise<Folded<State>> {
  const { store, stream, decider } = handling;
  const expected: ExpectedRevision = before.revision === -1 ? 'no_stream' : before.revision;
  const appended = await store.append(stream, events, expected);
  const recorded = recordedHere(stream, events, appended);
  if (recorded) return fold(decider, before, recorded);
  const written = await store.readStream(stream, { from: before.revision + 1, limit: events.length });
  return written.reduce((state, event) => fold(decider, state, event), before);
}

/** A single event as the log holds it, if the log told enough; else it must be read. */
function recordedHere(stream: string, events: readonly NewEvent[], appended: Appended): RecordedEvent | undefined {
  const [event, second] = events;
  const { revision, position, recordedAt } = appended;
  if (!event || second || recordedAt === undefined) return undefined;
  return { ...event, stream, revision, position, recordedAt };
}

function fold<State>({ evolve }: Decider<State>, before: Folded<State>, event: RecordedEvent): Folded<State> {
  return { state: evolve(before.state, event), revision: event.revision, position: event.position };
}
