import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { TenantNameState } from '#events/tenant-name.ts';
import type { TenantState } from '#events/tenant.ts';

/** A claim whose tenant never came to bear the name (the server died in between) is free again after this long. */
const ABANDONED_CLAIM_MS = 60_000;

export interface CreateTenant {
  readonly name: string;
  readonly origin: Origin;
}

export function decideCreateTenant({ name, origin }: CreateTenant, state: TenantState): readonly NewEvent[] {
  return state.status === 'absent' ? [createEvent('TenantCreated', { name }, origin)] : [];
}

export interface ClaimTenantName {
  readonly tenantId: string;
  /** Whether the tenant that holds the present claim is there and bears the name. */
  readonly holderBearsIt: boolean;
  readonly now: number;
  readonly origin: Origin;
}

/**
 * `taken` when another tenant holds the name; no events when this tenant bears it. Who has claimed it and does not bear it
 * yet claims it anew: a claim that is about to be taken over is not relied upon.
 */
export function decideClaimTenantName(command: ClaimTenantName, state: TenantNameState): readonly NewEvent[] | 'taken' {
  const { tenantId, holderBearsIt, now, origin } = command;
  if (state.status === 'claimed') {
    const isOwn = state.tenantId === tenantId;
    if (isOwn && holderBearsIt) return [];
    if (!isOwn && (holderBearsIt || now - state.claimedAt < ABANDONED_CLAIM_MS)) return 'taken';
  }
  return [createEvent('TenantNameClaimed', { tenantId }, origin)];
}

export interface ReleaseTenantName {
  /** The claim that the tenant bore the name by. Whoever has claimed the name since keeps it. */
  readonly claimId: string;
  readonly origin: Origin;
}

export const decideReleaseTenantName = (
  { claimId, origin }: ReleaseTenantName,
  state: TenantNameState,
): readonly NewEvent[] =>
  state.status === 'claimed' && state.claimId === claimId ? [createEvent('TenantNameReleased', {}, origin)] : [];

export type TenantDecision<Refusal extends string = 'absent'> = readonly NewEvent[] | Refusal;

interface TenantCommand {
  readonly origin: Origin;
  /** The command has an Idempotency-Key. Its event is what a repeat is known by, so it leaves one in any case. */
  readonly repeatable?: boolean;
}

export interface RenameTenant extends TenantCommand {
  readonly name: string;
}

export function decideRenameTenant(command: RenameTenant, state: TenantState): TenantDecision {
  const { name, origin, repeatable = false } = command;
  if (state.status === 'absent') return 'absent';
  return state.name !== name || repeatable ? [createEvent('TenantRenamed', { name }, origin)] : [];
}

export interface SuspendTenant extends TenantCommand {
  /** Shown to those who are refused; may be empty. */
  readonly reason: string;
  /** The platform is who reinstates: were it suspended, nobody could. */
  readonly isPlatform: boolean;
}

export function decideSuspendTenant(
  { reason, isPlatform, origin, repeatable = false }: SuspendTenant,
  state: TenantState,
): TenantDecision<'absent' | 'platform'> {
  if (state.status === 'absent') return 'absent';
  if (isPlatform) return 'platform';
  const isSo = state.status === 'suspended' && state.reason === reason;
  return isSo && !repeatable ? [] : [createEvent('TenantSuspended', { reason }, origin)];
}

export function decideReinstateTenant(
  { origin, repeatable = false }: TenantCommand,
  state: TenantState,
): TenantDecision {
  if (state.status === 'absent') return 'absent';
  return state.status === 'suspended' || repeatable ? [createEvent('TenantReinstated', {}, origin)] : [];
}

export interface SetTenantLimits extends TenantCommand {
  readonly requestsPerMinute: number | null;
}

export function decideSetTenantLimits(
  { requestsPerMinute, origin, repeatable = false }: SetTenantLimits,
  state: TenantState,
): TenantDecision {
  if (state.status === 'absent') return 'absent';
  const isSo = state.requestsPerMinute === requestsPerMinute;
  return isSo && !repeatable ? [] : [createEvent('TenantLimitsSet', { requestsPerMinute }, origin)];
}
