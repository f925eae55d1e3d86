import type { ApiKeyState } from '#events/api-key.ts';
import { v5 } from 'uuid';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';

export interface IssueApiKey {
  readonly name: string;
  readonly hash: string;
  readonly last4: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
  /** Names of the only models that it may use; null for any. */
  readonly models: readonly string[] | null;
  /** Whose permissions bound its own, from then on; null for nobody's. */
  readonly personId: string | null;
  /** Null, or left out, where it has no limit of its own. */
  readonly requestsPerMinute?: number | null;
  readonly origin: Origin;
}

/** With its limit, if it is to have one, in the same append. */
export function decideIssueApiKey(
  { origin, requestsPerMinute = null, ...data }: IssueApiKey,
  state: ApiKeyState,
): readonly NewEvent[] {
  if (state.status !== 'absent') return [];
  const issued = createEvent('ApiKeyIssued', data, origin);
  if (requestsPerMinute === null) return [issued];
  const limits = { ...origin, eventId: v5('limits', origin.eventId) };
  return [issued, createEvent('ApiKeyLimitsSet', { requestsPerMinute }, limits)];
}

export const decideRevokeApiKey = (origin: Origin, state: ApiKeyState): readonly NewEvent[] =>
  state.status === 'active' ? [createEvent('ApiKeyRevoked', {}, origin)] : [];

export interface SetApiKeyLimits {
  readonly requestsPerMinute: number | null;
  readonly origin: Origin;
  /** The command has an Idempotency-Key. Its event is what a repeat is known by, so it leaves one in any case. */
  readonly repeatable: boolean;
}

export function decideSetApiKeyLimits(
  { requestsPerMinute, origin, repeatable }: SetApiKeyLimits,
  state: ApiKeyState,
): readonly NewEvent[] | 'inactive' {
  if (state.status !== 'active') return 'inactive';
  const isSo = state.key.requestsPerMinute === requestsPerMinute;
  return isSo && !repeatable ? [] : [createEvent('ApiKeyLimitsSet', { requestsPerMinute }, origin)];
}

export interface RotateApiKey {
  /** The id of the key that takes its place. */
  readonly successor: string;
  /** Until when it is good beside its successor, in milliseconds since the epoch. */
  readonly until: number;
  readonly now: number;
  readonly origin: Origin;
}

export type RotationRefusal = 'inactive' | 'rotated';

/** A key lives no longer for being rotated, and has one successor. */
export function decideRotateApiKey(
  { successor, until, now, origin }: RotateApiKey,
  state: ApiKeyState,
): readonly NewEvent[] | RotationRefusal {
  const refusal = rotationRefusal(successor, now, state);
  if (refusal !== undefined) return refusal;
  if (state.status === 'absent' || state.key.successor === successor) return [];
  const expiresAt = Math.min(until, state.key.expiresAt ?? Infinity);
  return [createEvent('ApiKeyRotated', { successor, expiresAt }, origin)];
}

/** Why a key cannot be rotated to this successor; undefined where it can, or has been. */
export function rotationRefusal(successor: string, now: number, state: ApiKeyState): RotationRefusal | undefined {
  if (state.status === 'absent') return 'inactive';
  if (state.key.successor !== null) return state.key.successor === successor ? undefined : 'rotated';
  const isActive = state.status === 'active' && (state.key.expiresAt === null || state.key.expiresAt > now);
  return isActive ? undefined : 'inactive';
}
