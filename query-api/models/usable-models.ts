// The models that a tenant may use: its own, and the platform's that are granted to it and not hidden by one of its own.

import { isGrantedTo, type Model, models, PLATFORM } from '#events/model.ts';
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

async function listedBy(documents: Pick<FreshDocuments, 'range' | 'get'>, owner: string): Promise<FoundModel[]> {
  const { items } = await listStandings(documents, models.list(owner), { limit: MOST_MODELS });
  return items.flatMap(modelsIn);
}

export async function usableModels(
  documents: Pick<FreshDocuments, 'range' | 'get'>,
  tenantId: string,
): Promise<FoundModel[]> {
  const own = tenantId === PLATFORM ? [] : await listedBy(documents, tenantId);
  const names = new Set(own.map(({ model }) => model.definition.name));
  const shared = (await listedBy(documents, PLATFORM)).filter(
    ({ model }) => isGrantedTo(model, tenantId) && !names.has(model.definition.name),
  );
  return [...own, ...shared];
}
