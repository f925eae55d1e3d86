// The one command handler: load, fold, decide, append at the revision read; only a conflict is retried.
// After https://github.com/oskardudycz/EventSourcing.NodeJS, samples/decider/src/core/commandHandling.ts
// It owns repeats: the answer to a command that was taken before is the first answer, whatever has happened since, and
// nothing is decided again.

import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { type Appended, type EventStore, type ExpectedRevision, WrongExpectedRevision } from './event-store.ts';
import {
  type Decider,
  foldEvent,
  keepSnapshot,
  type Loaded,
  loadState,
  nothingLoaded,
  type StateAt,
} from './load-state.ts';
import type { RepeatableCommand } from './remembered-commands.ts';
import type { Snapshots } from './snapshots.ts';
import { finalError } from '../errors.ts';
import { pause } from '../patience/back-off.ts';

/** Events to append, none where nothing changes, or why not. */
export type Decision<Refusal extends string> = readonly NewEvent[] | Refusal;

export interface CommandHandling<State, Refusal extends string = never> {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly stream: string;
  readonly decider: Decider<State>;
  /** Called again after a conflict, never for a repeat. What it throws is passed on. */
  readonly decide: (state: State) => Decision<Refusal> | Promise<Decision<Refusal>>;
  /** Of a command that may be sent again. */
  readonly command?: RepeatableCommand | undefined;
  /** The revision that the caller has seen (If-Match): any other is `PreconditionFailed`. */
  readonly expected?: number | undefined;
  /**
   * For a stream named from the command, which is nearly always new: decides on the initial state and appends without
   * loading. If the stream exists it is loaded, and `decide` sees what is there. Without effect beside `expected` and
   * `command`.
   */
  readonly create?: boolean;
  /** Appends tried before the conflict is passed on; default 8. */
  readonly attempts?: number;
  readonly snapshots?: Snapshots | undefined;
}

export interface Taken<State> extends StateAt<State> {
  /** `state` is the one after the command: of a repeat, right after the events it led to the first time. */
  readonly outcome: 'appended' | 'unchanged' | 'replayed';
  readonly before: State;
}

export interface Refused<State, Refusal extends string> extends StateAt<State> {
  readonly outcome: 'refused';
  readonly reason: Refusal | 'idempotency-key-reused';
}

export type Handled<State, Refusal extends string = never> = Taken<State> | Refused<State, Refusal>;

/** The stream is not at the revision that the caller asked for. */
export class PreconditionFailed extends finalError('precondition-failed') {
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

const longestPauseMs = 100;

/** Rejects with `PreconditionFailed`, and like `EventStore.append`. */
export async function handleCommand<State, Refusal extends string = never>(
  handling: CommandHandling<State, Refusal>,
): Promise<Handled<State, Refusal>> {
  const { stream, decide, expected, command, attempts = 8 } = handling;
  let guessed = handling.create === true && expected === undefined && command === undefined;
  let loaded = guessed ? nothingLoaded(handling) : await loadState(handling);
  for (let attempt = 1; ;) {
    const known = command && recognised(handling, command, loaded);
    if (known) return known;
    if (expected !== undefined && loaded.revision !== expected) {
      throw new PreconditionFailed(stream, expected, loaded.revision === -1 ? undefined : loaded.revision);
    }
    const decision = await decide(loaded.state);
    if (typeof decision !== 'string' && decision.length > 0) {
      try {
        const after = await append(handling, loaded, decision);
        await keepSnapshot(handling, after);
        return { outcome: 'appended', before: loaded.state, ...stateAt(after) };
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision) || attempt >= attempts) throw error;
      }
      // The first retry at once: a lost race is mostly over when it is lost.
      if (attempt > 1) await pause(Math.random() * Math.min(longestPauseMs, 2 ** attempt));
      attempt += 1;
    } else if (!guessed) {
      await keepSnapshot(handling, loaded);
      return typeof decision === 'string'
        ? { outcome: 'refused', reason: decision, ...stateAt(loaded) }
        : { outcome: 'unchanged', before: loaded.state, ...stateAt(loaded) };
    }
    guessed = false;
    loaded = await loadState(handling, loaded.revision === -1 ? undefined : loaded);
  }
}

const stateAt = <State>({ state, revision, position }: StateAt<State>): StateAt<State> => ({
  state,
  revision,
  position,
});

/** The answer to a command that the stream has taken before; undefined for a new one. */
function recognised<State>(
  { stream }: Pick<CommandHandling<State>, 'stream'>,
  command: RepeatableCommand,
  loaded: Loaded<State>,
): Handled<State> | undefined {
  const seen = loaded.commands.recognise(command);
  if (seen === 'new') return undefined;
  if (seen === 'reused') return { outcome: 'refused', reason: 'idempotency-key-reused', ...stateAt(loaded) };
  if (!loaded.asked) throw new Error(`${stream} remembers a command that none of its events names`);
  const { before, after } = loaded.asked;
  return { outcome: 'replayed', before, ...after };
}

async function append<State>(
  handling: Pick<CommandHandling<State>, 'store' | 'stream' | 'decider' | 'command'>,
  before: Loaded<State>,
  events: readonly NewEvent[],
): Promise<Loaded<State>> {
  const { store, stream } = handling;
  const expected: ExpectedRevision = before.revision === -1 ? 'no_stream' : before.revision;
  const appended = await store.append(stream, events, expected);
  const recorded = recordedHere(stream, events, appended);
  if (recorded) return foldEvent(handling, before, recorded);
  const written = await store.readStream(stream, { from: before.revision + 1, limit: events.length });
  return written.reduce((loaded, event) => foldEvent(handling, loaded, event), before);
}

/** A single event as the log holds it, if the log told enough; else it must be read. */
function recordedHere(stream: string, events: readonly NewEvent[], appended: Appended): RecordedEvent | undefined {
  const [event, second] = events;
  const { revision, position, recordedAt } = appended;
  if (!event || second || recordedAt === undefined) return undefined;
  return { ...event, stream, revision, position, recordedAt };
}
