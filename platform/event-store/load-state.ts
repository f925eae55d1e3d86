// What the events of a stream add up to, from its snapshot on where there is one.

import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from './event-store.ts';
import { CommandMemory, type RepeatableCommand } from './remembered-commands.ts';
import type { Snapshot, Snapshots } from './snapshots.ts';

export interface Decider<State> {
  readonly initial: State;
  readonly evolve: (state: State, event: RecordedEvent) => State;
}

/** A state, and the event that it is the state after. */
export interface StateAt<State> {
  readonly state: State;
  /** -1 for a stream that does not exist. */
  readonly revision: number;
  /** 0n for a stream that does not exist. */
  readonly position: bigint;
}

export interface Loaded<State> extends StateAt<State> {
  /** Empty for a stream that does not exist. */
  readonly eventId: string;
  readonly commands: CommandMemory;
  /** How things stood right before and right after the command that was asked for. */
  readonly asked: { readonly before: State; readonly after: StateAt<State> } | undefined;
  /** The revision of the snapshot that this was loaded from; -1 without one. */
  readonly snapshotAt: number;
}

export interface Loading<State> {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly stream: string;
  readonly decider: Decider<State>;
  readonly snapshots?: Snapshots | undefined;
  /** Where this command is in the stream, its states are kept. */
  readonly command?: RepeatableCommand | undefined;
}

const PAGE = 500;
/** Events after which a new snapshot is due. */
const SNAPSHOT_EVERY = 100;

export const nothingLoaded = <State>({ decider }: Pick<Loading<State>, 'decider'>): Loaded<State> => ({
  state: decider.initial,
  revision: -1,
  position: 0n,
  eventId: '',
  commands: new CommandMemory(),
  asked: undefined,
  snapshotAt: -1,
});

/** Folds one more event. The memory of commands is the same object before and after. */
export function foldEvent<State>(
  { decider, command }: Pick<Loading<State>, 'decider' | 'command'>,
  loaded: Loaded<State>,
  event: RecordedEvent,
): Loaded<State> {
  loaded.commands.take(event);
  const { revision, position } = event;
  const after = { state: decider.evolve(loaded.state, event), revision, position };
  const isAsked = command !== undefined && event.metadata.$causationId === command.commandId;
  const asked = isAsked ? { before: loaded.asked?.before ?? loaded.state, after } : loaded.asked;
  return { ...loaded, ...after, eventId: event.id, asked };
}

/** The state of a stream by now; goes on from what is loaded already. */
export async function loadState<State>(loading: Loading<State>, before?: Loaded<State>): Promise<Loaded<State>> {
  if (before) return foldOn(loading, before);
  const snapshot = await loading.snapshots?.find(loading.stream);
  // A snapshot later than the command does not tell how things stood then.
  const isLater = snapshot?.commands.some(({ commandId }) => commandId === loading.command?.commandId);
  const loaded = snapshot && !isLater ? await fromSnapshot(loading, snapshot) : undefined;
  return loaded ?? foldOn(loading, nothingLoaded(loading));
}

/** Undefined where the log has another event at the snapshot's place: it is of another log. */
async function fromSnapshot<State>(loading: Loading<State>, snapshot: Snapshot): Promise<Loaded<State> | undefined> {
  const { revision, eventId, commands } = snapshot;
  const page = await loading.store.readStream(loading.stream, { from: revision, limit: PAGE });
  const [at, ...later] = page;
  if (at?.id !== eventId) return undefined;
  const loaded: Loaded<State> = {
    state: snapshot.state as State,
    revision,
    position: at.position,
    eventId,
    commands: new CommandMemory(commands),
    asked: undefined,
    snapshotAt: revision,
  };
  const folded = later.reduce((before, event) => foldEvent(loading, before, event), loaded);
  return page.length < PAGE ? folded : foldOn(loading, folded);
}

async function foldOn<State>(loading: Loading<State>, from: Loaded<State>): Promise<Loaded<State>> {
  let folded = from;
  for (;;) {
    const page = await loading.store.readStream(loading.stream, { from: folded.revision + 1, limit: PAGE });
    folded = page.reduce((before, event) => foldEvent(loading, before, event), folded);
    if (page.length < PAGE) return folded;
  }
}

/** Keeps a snapshot where the last one is far behind. */
export async function keepSnapshot<State>(loading: Loading<State>, loaded: Loaded<State>): Promise<void> {
  const { revision, eventId, state, commands, snapshotAt } = loaded;
  if (!loading.snapshots?.has(loading.stream) || revision - snapshotAt < SNAPSHOT_EVERY) return;
  await loading.snapshots.keep(loading.stream, { revision, eventId, state, commands: commands.list() });
}
