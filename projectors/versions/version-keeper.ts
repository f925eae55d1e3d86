// Looks after the versions of all projections, in one process of several at a time: builds what is asked for, and removes
// what nobody reads any more.

import type { Origin } from '#events/create-event.ts';
import { PLATFORM } from '#events/model.ts';
import { pause } from '#platform/patience/back-off.ts';
import { newId } from '#platform/new-id.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { takeTurn } from '#platform/read-store/turns.ts';
import { decideRetire, decideShapeRebuild, versionToRetire } from './decide.ts';
import type { FeedPorts } from './feed-options.ts';
import { createPublishedName } from './published-name.ts';
import { append, rebuild, type RebuildParts } from './rebuild.ts';
import { removeVersion } from './remove-version.ts';
import type { VersionFeeds } from './version-feeds.ts';

const LOOK_EVERY_MS = 250;
/** Until then every process has stopped feeding a version that was retired. */
const REMOVED_AFTER_MS = 5_000;

export interface KeptProjection {
  readonly projection: Projection;
  readonly feeds: VersionFeeds;
}

const originOf = (causedBy = newId()): Origin => ({
  eventId: newId(),
  commandId: causedBy,
  tenantId: PLATFORM,
  actor: { kind: 'system', id: 'projectors' },
  correlationId: causedBy,
});

export function startVersionKeeper(projections: readonly KeptProjection[], ports: FeedPorts) {
  const { readStore, searchIndex, states, log, now } = ports;
  const stopping = new AbortController();
  const phases = new Map<string, 'building' | 'comparing'>();

  async function keepOne({ projection, feeds }: KeptProjection, signal: AbortSignal): Promise<void> {
    const { name } = projection;
    const removed = new Set<number>();
    const named =
      projection.kind === 'document'
        ? undefined
        : createPublishedName({ name: projection.index.name, searchIndex, log });
    const parts: RebuildParts = {
      ...ports,
      projection,
      feeds,
      originOf,
      onPhase: (phase) => void (phase ? phases.set(name, phase) : phases.delete(name)),
    };

    const again = async (work: () => Promise<void>) => {
      while (!signal.aborted) {
        await work().catch((err: unknown) => {
          if (!signal.aborted) log.warn({ err, projection: name }, 'the versions cannot be looked after, trying again');
        });
        await pause(LOOK_EVERY_MS, signal);
      }
    };
    const lead = async () => {
      const { live } = await states.directory.of(name);
      // Until it is fed it may not be there yet, or be of another shape.
      if (feeds.of(live)) await named?.lead(live, signal);
    };
    await Promise.all([again(() => build(parts, signal)), again(() => clearAway(parts, removed, signal)), again(lead)]);
    feeds.build(undefined);
  }

  async function build(parts: RebuildParts, signal: AbortSignal): Promise<void> {
    const { projection, feeds } = parts;
    const { candidate, live } = await states.directory.look(projection.name);
    if (candidate) await rebuild(parts, candidate, signal);
    else if (feeds.isOlderShape(live)) await append(parts, (state) => decideShapeRebuild(originOf(), state));
  }

  async function clearAway(parts: RebuildParts, removed: Set<number>, signal: AbortSignal): Promise<void> {
    const { projection } = parts;
    const state = await states.directory.of(projection.name);
    const version = versionToRetire(state, now());
    if (version !== undefined) {
      await append(parts, (state_) => decideRetire({ version, now: now(), origin: originOf() }, state_));
      log.info({ projection: projection.name, version }, 'a version of a read model is removed');
    }
    const gone = state.retired.filter((one) => !removed.has(one));
    if (gone.length === 0) return;
    await pause(REMOVED_AFTER_MS, signal);
    for (const one of gone) {
      signal.throwIfAborted();
      await removeVersion(ports, projection, one, signal);
      removed.add(one);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const turn = await takeTurn({ store: readStore, what: 'projection-versions', log }, stopping.signal);
      if (!turn) return;
      const signal = AbortSignal.any([stopping.signal, turn.lost]);
      await Promise.all(projections.map((one) => keepOne(one, signal)));
      await turn.end();
    }
  }

  const running = run().catch((err: unknown) => log.error({ err }, 'the versions are not looked after any more'));
  return {
    phaseOf: (projection: string) => phases.get(projection) ?? null,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
