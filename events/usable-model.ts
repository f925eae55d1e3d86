// What a model's name means to a tenant: its own model first, then the platform's, if it is granted, with the tenant's own
// defaults over the platform's.

import type { Model, ModelState } from './model.ts';
import type { Standing } from './standing.ts';

export const isGrantedTo = ({ owner, grantedTo }: Pick<Model, 'owner' | 'grantedTo'>, tenantId: string) =>
  owner === tenantId || grantedTo.includes('*') || grantedTo.includes(tenantId);

/** What a standing says of a model's name; undefined where nobody has said anything. */
export const modelStateOf = (standing: Standing | undefined): ModelState | undefined =>
  standing?.of === 'model' ? standing.state : undefined;

/** The model that is registered under the name that a state tells of. */
export const registeredModel = (state: ModelState | undefined): Model | undefined =>
  state?.status === 'registered' ? state.model : undefined;

/** A model of the platform's, as the tenant uses it that `said` is of. */
export function withOwnDefaults(model: Model, said: ModelState | undefined): Model {
  if (said === undefined || said.status === 'absent' || Object.keys(said.overPlatform).length === 0) return model;
  return { ...model, defaults: { ...model.defaults, ...said.overPlatform } };
}

/** `said` is what the tenant itself has said of the name, `shared` what the platform has. */
export function usableModel(
  tenantId: string,
  said: ModelState | undefined,
  shared: ModelState | undefined,
): Model | undefined {
  const own = registeredModel(said);
  if (own) return own;
  const platform = registeredModel(shared);
  return platform && isGrantedTo(platform, tenantId) ? withOwnDefaults(platform, said) : undefined;
}
