import { evolveStanding, type Standing, standingDocument, standingKey } from '#events/standing.ts';
import type { Platform } from '#platform/platform.ts';
import { createRememberedStandings } from '#platform/standing/remembered-standings.ts';
import { createStandings, type Standings } from '#platform/standing/standings.ts';

/** Read from the read store each time. */
export const createServiceStandings = ({
  store,
  readStore,
}: Pick<Platform, 'store' | 'readStore'>): Standings<Standing> =>
  createStandings<Standing>({
    store,
    readStore,
    keyOf: standingKey,
    evolve: evolveStanding,
    writeOf: standingDocument,
  });

/** In memory: only for the thread that handles every command of the installation. */
export const createCommandersStandings = (platform: Pick<Platform, 'store' | 'readStore'>): Standings<Standing> =>
  createRememberedStandings(createServiceStandings(platform));
