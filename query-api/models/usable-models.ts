// The models that a tenant may use: its own, and the platform's that are granted to it and not hidden by one of its own.

import { isGrantedTo, type Model, models, PLATFORM } from '#events/model.ts';
import { MOST_NAMES } from '#platform/nearest-name.ts';
import type { FreshDocuments } from '../freshness.ts';
import { listStandings } from '../stored-list.ts';
import type { StoredStanding } from '../stored-one.ts';

/** A tenant has at most this many models of its own; the list is one page, as OpenAI's clients expect. */
const MOST_MODELS = 1_000;

export interface FoundModel {
  readonly model: Model;
  readonly revision: number;
}

/** The registered model that a standing tells of: none or one. */
export const modelsIn = (stored: StoredStanding | undefined): FoundModel[] =>
  stored?.standing.of === 'model' && stored.standing.state.status === 'registered'
    ? [{ model: stored.standing.state.model, revision: stored.revision }]
    : [];

type Documents = Pick<FreshDocuments, 'range' | 'get'>;

async function listedBy(documents: Documents, owner: string, limit: number): Promise<FoundModel[]> {
  const { items } = await listStandings(documents, models.list(owner), { limit });
  return items.flatMap(modelsIn);
}

/** `limit`: of its own as of the platform's, the newest. */
export async function usableModels(documents: Documents, tenantId: string, limit = MOST_MODELS): Promise<FoundModel[]> {
  const own = tenantId === PLATFORM ? [] : await listedBy(documents, tenantId, limit);
  const names = new Set(own.map(({ model }) => model.definition.name));
  const shared = (await listedBy(documents, PLATFORM, limit)).filter(
    ({ model }) => isGrantedTo(model, tenantId) && !names.has(model.definition.name),
  );
  return [...own, ...shared];
}

/** To guess which one was meant by a name that there is not: no more than are compared with it. */
export const namesToCompare = async (documents: Documents, tenantId: string): Promise<string[]> =>
  (await usableModels(documents, tenantId, MOST_NAMES)).map(({ model }) => model.definition.name);
