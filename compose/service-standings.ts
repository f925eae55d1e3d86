import { projectionVersions } from '#events/projection.ts';
import { evolveStanding, type Standing, standingDocument, standingKey } from '#events/standing.ts';
import type { Config } from '#platform/config.ts';
import type { Ports } from '#platform/platform.ts';
import { fedDocuments, liveDocuments } from '#platform/projection/version-directory.ts';
import { createVersionStates } from '#platform/projection/version-states.ts';
import { createRememberedStandings } from '#platform/standing/remembered-standings.ts';
import { createStandings, type Standings } from '#platform/standing/standings.ts';
import { FED_AFTER_SWITCH_MS } from '../projectors/projections/read-model.ts';
import { standingReadModel } from '../projectors/standing/read-model.ts';

type StandingPorts = Pick<Ports, 'store' | 'readStore'> & Partial<Pick<Ports, 'live'>>;

/** Read from the read store each time. What is written goes to every version of the read model that is or may be read. */
export function createServiceStandings({ store, readStore, live }: StandingPorts): Standings<Standing> {
  const { directory } = createVersionStates({ store, readStore, live, ...projectionVersions });
  return createStandings<Standing>({
    store,
    readStore: liveDocuments(readStore, standingReadModel.name, directory),
    writeTo: () => fedDocuments(readStore, standingReadModel.name, directory, 2 * FED_AFTER_SWITCH_MS),
    keyOf: standingKey,
    evolve: evolveStanding,
    writeOf: standingDocument,
  });
}

/** In memory where this process alone handles every command of the installation: its log and read store are its own. */
export function createStandingsOf(
  ports: StandingPorts,
  { eventStoreUrl, redisUrl }: Pick<Config, 'eventStoreUrl' | 'redisUrl'>,
): Standings<Standing> {
  const standings = createServiceStandings(ports);
  return eventStoreUrl === undefined && redisUrl === undefined ? createRememberedStandings(standings) : standings;
}
