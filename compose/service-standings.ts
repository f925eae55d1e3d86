import { aggregateOf, snapshotShapeOf } from '#events/aggregates.ts';
import { projectionVersions } from '#events/projection.ts';
import { type Standing, standingDocument, standingKey, standingOf } from '#events/standing.ts';
import type { Config } from '#platform/config.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { createSnapshots, type Snapshots } from '#platform/event-store/snapshots.ts';
import type { Log } from '#platform/logging/log.ts';
import type { Ports } from '#platform/platform.ts';
import { fedDocuments, liveDocuments } from '#platform/projection/version-directory.ts';
import { openVersionStates } from '#platform/projection/version-states.ts';
import { createRememberedStandings } from '#platform/standing/remembered-standings.ts';
import { createStandings, type Standings } from '#platform/standing/standings.ts';
import { FED_AFTER_SWITCH_MS } from '../projectors/projections/read-model.ts';
import { standingReadModel } from '../projectors/standing/read-model.ts';

type StandingPorts = Pick<Ports, 'store' | 'readStore'> & Partial<Pick<Ports, 'live'>>;

export interface OpenStandings extends Standings<Standing> {
  close(): void;
}

/** How a standing is folded from its stream. */
export function createStandingLoader(store: Pick<EventStore, 'readStream'>, snapshots?: Snapshots) {
  return async (stream: string) => {
    const decider = aggregateOf(stream);
    if (!decider) return undefined;
    const { state, revision } = await loadState({ store, stream, decider, snapshots });
    const standing = standingOf(stream, state);
    return standing && { standing, revision };
  };
}

/** Read from the read store each time. What is written goes to every version of the read model that is or may be read. */
export function openServiceStandings({ store, readStore, live }: StandingPorts, log: Log): OpenStandings {
  const states = openVersionStates({ store, readStore, live, log, ...projectionVersions });
  const { directory } = states;
  const standings = createStandings<Standing>({
    load: createStandingLoader(store, createSnapshots(readStore, snapshotShapeOf, log)),
    readStore: liveDocuments(readStore, standingReadModel.name, directory),
    writeTo: () => fedDocuments(readStore, standingReadModel.name, directory, 2 * FED_AFTER_SWITCH_MS),
    keyOf: standingKey,
    writeOf: standingDocument,
  });
  return { ...standings, close: () => states.close() };
}

/** In memory where this process alone handles every command of the installation: its log and read store are its own. */
export function openStandingsOf(
  ports: StandingPorts,
  { eventStoreUrl, redisUrl }: Pick<Config, 'eventStoreUrl' | 'redisUrl'>,
  log: Log,
): OpenStandings {
  const standings = openServiceStandings(ports, log);
  if (eventStoreUrl !== undefined || redisUrl !== undefined) return standings;
  return { ...createRememberedStandings(standings), close: () => standings.close() };
}
