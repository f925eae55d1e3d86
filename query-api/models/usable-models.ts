// The models that a tenant may use: its own, and the platform's that are granted to it and not hidden by one of its own.

import { type Model, models, PLATFORM } from '#events/model.ts';
import { type Standing, standingKey } from '#events/standing.ts';
import { isGrantedTo, modelStateOf, registeredModel, withOwnDefaults } from '#events/usable-model.ts';
import { MOST_NAMES } from '#platform/nearest-name.ts';
import type { FreshDocuments } from '../freshness.ts';
import { listStandings } from '../stored-list.ts';

/** A tenant has at most this many models of its own; the list is one page, as OpenAI's clients expect. */
const MOST_MODELS = 1_000;

export interface FoundModel {
  readonly model: Model;
  /** Of what the tenant itself has said of the name; null for nothing. */
  readonly revision: number | null;
}

type Documents = Pick<FreshDocuments, 'range' | 'get'>;

async function listedBy(documents: Documents, owner: string, limit: number) {
  const { items } = await listStandings(documents, models.list(owner), { limit });
  return items.flatMap(({ standing, revision }) => {
    const model = registeredModel(modelStateOf(standing));
    return model ? [{ model, revision }] : [];
  });
}

async function listedFor(documents: Documents, tenantId: string, limit: number) {
  const own = await listedBy(documents, tenantId, limit);
  if (tenantId === PLATFORM) return { own, shared: [] };
  const names = new Set(own.map(({ model }) => model.definition.name));
  const shared = (await listedBy(documents, PLATFORM, limit)).flatMap(({ model }) =>
    isGrantedTo(model, tenantId) && !names.has(model.definition.name) ? [model] : [],
  );
  return { own, shared };
}

/** As the tenant uses them. */
export async function usableModels(documents: Documents, tenantId: string): Promise<FoundModel[]> {
  const { own, shared } = await listedFor(documents, tenantId, MOST_MODELS);
  const streams = shared.map(({ definition }) => models.stream(tenantId, definition.name));
  const said = streams.length === 0 ? [] : await documents.get(streams.map(standingKey));
  const withDefaults = shared.map((model, i): FoundModel => {
    const document = said[i];
    if (!document?.value) return { model, revision: null };
    return { model: withOwnDefaults(model, modelStateOf(document.value as Standing)), revision: document.revision };
  });
  return [...own, ...withDefaults];
}

/** To guess which one was meant by a name that there is not: no more than are compared with it. */
export async function namesToCompare(documents: Documents, tenantId: string): Promise<string[]> {
  const { own, shared } = await listedFor(documents, tenantId, MOST_NAMES);
  return [...own.map(({ model }) => model), ...shared].map(({ definition }) => definition.name);
}
