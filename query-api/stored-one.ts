// Small things kept as standings, each by its stream: as they are, and at which revision.

import { type Standing, standingKey } from '#events/standing.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { standingReadModel } from '../projectors/standing/read-model.ts';
import type { Freshness, TokenBearer } from './freshness.ts';

export interface StoredStanding {
  readonly standing: Standing;
  readonly revision: number;
}

/** Undefined for a stream without events. Throws as `Freshness` does. */
export type ReadStandings = (
  request: TokenBearer,
  streams: readonly string[],
) => Promise<(StoredStanding | undefined)[]>;

export interface StandingPorts {
  readonly standings: Pick<Standings<Standing>, 'get'>;
  readonly fresh: Freshness;
}

export function createStandingReader({ standings, fresh }: StandingPorts): ReadStandings {
  return async (request, streams) => {
    const documents = await fresh.of(standingReadModel, request);
    // Restores what an emptied read store lacks.
    await standings.get(streams);
    const found = await documents.get(streams.map(standingKey));
    return found.map((document) =>
      document?.value ? { standing: document.value as Standing, revision: document.revision } : undefined,
    );
  };
}
