import { isDeepStrictEqual } from 'node:util';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { ModelDefinition, ModelState } from '#events/model.ts';

export type ModelDecision = readonly NewEvent[] | 'absent';

export interface RegisterModel {
  readonly definition: ModelDefinition;
  readonly origin: Origin;
  /** The command has an Idempotency-Key. Its event is what a repeat is known by, so it leaves one in any case. */
  readonly repeatable?: boolean;
}

/** Registering what is already so changes nothing. */
export function decideRegisterModel(
  { definition, origin, repeatable = false }: RegisterModel,
  state: ModelState,
): readonly NewEvent[] {
  const isSo = state.status === 'registered' && isDeepStrictEqual({ ...state.model.definition }, { ...definition });
  return isSo && !repeatable ? [] : [createEvent('ModelRegistered', definition, origin)];
}

export interface SetModelDefaults {
  /** Parameter name to JSON text; replaces the defaults set before. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly origin: Origin;
  /** As for `RegisterModel`. */
  readonly repeatable?: boolean;
}

export function decideSetModelDefaults(command: SetModelDefaults, state: ModelState): ModelDecision {
  const { defaults, origin, repeatable = false } = command;
  if (state.status !== 'registered') return 'absent';
  if (!repeatable && isDeepStrictEqual({ ...state.model.defaults }, { ...defaults })) return [];
  return [createEvent('ModelDefaultsSet', { defaults }, origin)];
}

export interface GrantModel {
  /** Tenant ids, or `*` for all. */
  readonly to: readonly string[];
  readonly origin: Origin;
}

export function decideGrantModel({ to, origin }: GrantModel, state: ModelState): ModelDecision {
  if (state.status !== 'registered') return 'absent';
  return isDeepStrictEqual([...state.model.grantedTo], [...to]) ? [] : [createEvent('ModelGranted', { to }, origin)];
}

export function decideRetireModel(origin: Origin, state: ModelState): ModelDecision {
  if (state.status === 'absent') return 'absent';
  return state.status === 'registered' ? [createEvent('ModelRetired', {}, origin)] : [];
}
