import { evolveStanding, type Standing, standingDocument, standingKey } from '#events/standing.ts';
import type { Platform } from '#platform/platform.ts';
import { createStandings, type Standings } from '#platform/standing/standings.ts';

export const createServiceStandings = ({ store, readStore }: Pick<Platform, 'store' | 'readStore'>): Standings<Standing> =>
  createStandings<Standing>({
    store,
    readStore,
    keyOf: standingKey,
    evolve: evolveStanding,
    writeOf: standingDocument,
  });
