// Brings a candidate version to where it may be read: built from the log to its head, compared with the live version while
// both go on, and switched to. It may be broken off anywhere and begun again: the version resumes at its own positions,
// and the switch is one event.

import type { Origin } from '#events/create-event.ts';
import { type CandidateVersion, type ProjectionState, projections } from '#events/projection.ts';
import { pause } from '#platform/patience/back-off.ts';
import { listDeadLetters } from '#platform/bus/dead-letter-rows.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { compareDocuments, compareIndices } from '#platform/projection/compare-versions.ts';
import type { Comparison } from '#platform/projection/comparison.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { idOfNumber } from '#platform/search-index/search-index.ts';
import { versionDocuments, versionIndex, versionName } from '#platform/projection/versions.ts';
import type { NewEvent } from '#events/envelope.ts';
import { decideAbandon, decideSwitch } from './decide.ts';
import type { FeedPorts } from './feed-options.ts';
import type { VersionFeeds } from './version-feeds.ts';

const LOOK_EVERY_MS = 50;
const MOST_LETTERS = 10_000;

export interface RebuildParts extends Pick<FeedPorts, 'store' | 'readStore' | 'searchIndex' | 'states' | 'log'> {
  readonly projection: Projection;
  readonly feeds: VersionFeeds;
  readonly originOf: (causedBy?: string) => Origin;
  readonly onPhase: (phase: 'building' | 'comparing' | null) => void;
}

/** Resolves when the candidate is switched to or given up, or the signal aborts. */
export async function rebuild(parts: RebuildParts, candidate: CandidateVersion, signal: AbortSignal): Promise<void> {
  const { projection, feeds, states, log, originOf, onPhase } = parts;
  const { name } = projection;
  const { version, kind } = candidate;
  const said = { projection: name, version, kind };
  log.info(said, 'a version of a read model is being built');
  feeds.build(version);
  onPhase('building');
  try {
    const fault = await caughtUp(parts, version, signal);
    if (fault) {
      log.error({ ...said, err: fault }, 'a version of a read model cannot be built and is given up');
      const reason = fault.message.slice(0, 1_000);
      await append(parts, (state) => decideAbandon({ version, reason, origin: originOf(candidate.requestId) }, state));
      return;
    }
    onPhase('comparing');
    const comparison = await compare(parts, version, signal);
    // Whoever writes to all versions must know of this one before the head that it is brought to.
    await states.changed(name);
    if (await caughtUp(parts, version, signal)) return;
    await feeds.of(version)?.writePositions();
    signal.throwIfAborted();
    const origin = originOf(candidate.requestId);
    const { live } = await append(parts, (state) => decideSwitch({ to: version, comparison, origin }, state));
    const level = comparison && comparison.different > 0 ? 'warn' : 'info';
    const outcome = live === version ? 'a read model was switched to a new version' : 'a new version was given up';
    log[level]({ ...said, ...comparison }, outcome);
  } finally {
    onPhase(null);
  }
}

/** Waits until the version has all that the log has by now; answers why it never will. */
async function caughtUp(
  { feeds, store, states, projection }: RebuildParts,
  version: number,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const head = await store.head();
  for (;;) {
    signal.throwIfAborted();
    const fault = feeds.fault(version);
    if (fault) return fault;
    const running = feeds.of(version);
    if (running?.ready() && (running.position() ?? -1n) >= head) return undefined;
    await pause(LOOK_EVERY_MS, signal);
    const { candidate } = await states.directory.of(projection.name);
    if (candidate?.version !== version) return new Error('it is not asked for any more');
  }
}

/** undefined where the two are not the same kind of thing, or the live one is not fed. */
async function compare(parts: RebuildParts, version: number, signal: AbortSignal): Promise<Comparison | null> {
  const { projection, feeds, readStore, searchIndex, states } = parts;
  const { live } = await states.directory.look(projection.name);
  if (feeds.isOlderShape(live) || feeds.fault(live)) return null;
  const options = { signal, parked: await parkedIn(parts, [live, version]) };
  if (projection.kind !== 'document') {
    const of = (one: number) => versionIndex(projection.index.name, one);
    return compareIndices(searchIndex, of(live), of(version), options);
  }
  const of = (one: number) => versionDocuments(readStore, projection.name, one);
  return compareDocuments(of(live), of(version), options);
}

/** Documents of streams that one of the versions has parked: they differ until the letter is taken up. */
async function parkedIn(
  { projection, readStore, store }: Pick<RebuildParts, 'projection' | 'readStore' | 'store'>,
  versions: readonly number[],
): Promise<Set<string>> {
  if (projection.kind === 'event-row' || projection.kind === 'stream-rows') return new Set();
  const nameOf = async (stream: string) => {
    if (projection.kind === 'document') return projection.keyOf(stream) ?? [];
    if (!projection.index.numbered) return projection.idOf?.(stream) ?? stream;
    return (await store.readStream(stream, { limit: 1 })).map(({ position }) => idOfNumber(Number(position)));
  };
  const groups = versions.map((version) => versionName(projection.name, version));
  const letters = await Promise.all(groups.map((group) => listDeadLetters(readStore, { group, limit: MOST_LETTERS })));
  return new Set((await Promise.all(letters.flat().map(({ stream }) => nameOf(stream)))).flat());
}

/** Appends to the projection's stream what is decided, and tells all processes; answers the state after it. */
export async function append(
  { store, states, projection }: Pick<RebuildParts, 'store' | 'states' | 'projection'>,
  decide: (state: ProjectionState) => readonly NewEvent[],
): Promise<ProjectionState> {
  const stream = projections.stream(projection.name);
  const { snapshots } = states;
  const { state } = await handleCommand({ store, stream, decider: projections, decide, snapshots });
  await states.changed(projection.name);
  return state;
}
