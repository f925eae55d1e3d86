import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { TenantNameState } from '#events/tenant-name.ts';
import type { TenantState } from '#events/tenant.ts';

/** A claim whose tenant was never created (the server died in between) is free again after this long. */
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
  /** Whether the tenant that holds the present claim exists. */
  readonly holderExists: boolean;
  readonly now: number;
  readonly origin: Origin;
}

/** `taken` when another tenant holds the name; no events when this tenant holds it already. */
export function decideClaimTenantName(command: ClaimTenantName, state: TenantNameState): readonly NewEvent[] | 'taken' {
  const { tenantId, holderExists, now, origin } = command;
  if (state.status === 'claimed') {
    if (state.tenantId === tenantId) return [];
    if (holderExists || now - state.claimedAt < ABANDONED_CLAIM_MS) return 'taken';
  }
  return [createEvent('TenantNameClaimed', { tenantId }, origin)];
}
