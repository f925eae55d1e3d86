import { isDeepStrictEqual } from 'node:util';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { ModelDefinition, ModelState } from '#events/model.ts';

export type ModelDecision<Refusal extends string = 'absent'> = readonly NewEvent[] | Refusal;

/** A model's grants are read with every request for it, so they are not without end. */
export const MOST_GRANTS = 1_000;

export interface ModelCommand {
  readonly origin: Origin;
  /** The command has an Idempotency-Key. Its event is what a repeat is known by, so it leaves one in any case. */
  readonly repeatable?: boolean;
}

export interface RegisterModel extends ModelCommand {
  readonly definition: ModelDefinition;
}

/** Registering what is already so changes nothing. */
export function decideRegisterModel(
  { definition, origin, repeatable = false }: RegisterModel,
  state: ModelState,
): readonly NewEvent[] {
  const isSo = state.status === 'registered' && isDeepStrictEqual({ ...state.model.definition }, { ...definition });
  return isSo && !repeatable ? [] : [createEvent('ModelRegistered', definition, origin)];
}

export interface SetModelDefaults extends ModelCommand {
  /** Parameter name to JSON text; replaces the defaults set before. */
  readonly defaults: Readonly<Record<string, string>>;
  /** The tenant may use the platform's model of the name, which these are for where it has none of its own. */
  readonly overPlatform: boolean;
}

export function decideSetModelDefaults(command: SetModelDefaults, state: ModelState): ModelDecision {
  const { defaults, overPlatform, origin, repeatable = false } = command;
  if (state.status !== 'registered' && !overPlatform) return 'absent';
  const before = defaultsBefore(state);
  if (!repeatable && before && isDeepStrictEqual({ ...before }, { ...defaults })) return [];
  return [createEvent('ModelDefaultsSet', { defaults }, origin)];
}

function defaultsBefore(state: ModelState) {
  if (state.status === 'absent') return undefined;
  return state.status === 'registered' ? state.model.defaults : state.overPlatform;
}

export interface GrantModel extends ModelCommand {
  /** Tenant ids, or `*` for all; they are added to those before. */
  readonly to: readonly string[];
}

export function decideGrantModel(
  { to, origin, repeatable = false }: GrantModel,
  state: ModelState,
): ModelDecision<'absent' | 'too-many'> {
  if (state.status !== 'registered') return 'absent';
  const { grantedTo } = state.model;
  const added = to.filter((tenantId) => !grantedTo.includes(tenantId));
  if (added.length === 0 && !repeatable) return [];
  return grantedTo.length + added.length > MOST_GRANTS ? 'too-many' : [createEvent('ModelGranted', { to }, origin)];
}

export interface WithdrawModelGrant extends ModelCommand {
  /** A tenant's id, or `*` for the grant to all. */
  readonly from: string;
}

/**
 * Of a model that is granted to all, nothing is withdrawn from one: the grants say who may, never who may not, so that a
 * tenant's standing is read off a list.
 */
export function decideWithdrawModelGrant(
  { from, origin, repeatable = false }: WithdrawModelGrant,
  state: ModelState,
): ModelDecision<'absent' | 'granted-to-all'> {
  if (state.status !== 'registered') return 'absent';
  const { grantedTo } = state.model;
  if (from !== '*' && grantedTo.includes('*')) return 'granted-to-all';
  return grantedTo.includes(from) || repeatable ? [createEvent('ModelGrantWithdrawn', { from: [from] }, origin)] : [];
}

/** A model that is retired already stays so. */
export function decideRetireModel({ origin, repeatable = false }: ModelCommand, state: ModelState): ModelDecision {
  if (state.status === 'absent' || state.status === 'unregistered') return 'absent';
  return state.status === 'registered' || repeatable ? [createEvent('ModelRetired', {}, origin)] : [];
}

/** A retired model comes back as it was, its defaults and grants with it. */
export function decideReinstateModel({ origin, repeatable = false }: ModelCommand, state: ModelState): ModelDecision {
  if (state.status === 'absent' || state.status === 'unregistered') return 'absent';
  return state.status === 'retired' || repeatable ? [createEvent('ModelReinstated', {}, origin)] : [];
}
