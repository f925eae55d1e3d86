// The models that a tenant may use: its own, and the platform's that are granted to it and not hidden by one of its own.

import { type Model, PLATFORM, isGrantedTo, models } from '#events/model.ts';
import { type Standing, standingKey } from '#events/standing.ts';
import type { FreshDocuments } from '../freshness.ts';

/** A tenant has at most this many models of its own; the list is one page, as OpenAI's clients expect. */
const MOST_MODELS = 1_000;

export interface FoundModel {
  readonly model: Model;
  readonly revision: number;
}

/** The registered model that a standing's document tells of: none or one. */
export function modelsIn(document: { readonly value: unknown; readonly revision: number } | undefined): FoundModel[] {
  const standing = document?.value as Standing | null | undefined;
  if (!document || standing?.of !== 'model' || standing.state.status !== 'registered') return [];
  return [{ model: standing.state.model, revision: document.revision }];
}

async function listedBy(documents: Pick<FreshDocuments, 'range' | 'get'>, owner: string): Promise<FoundModel[]> {
  const members = await documents.range(models.list(owner), { limit: MOST_MODELS });
  const found = await documents.get(members.map(({ member }) => standingKey(member)));
  return found.flatMap(modelsIn);
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
