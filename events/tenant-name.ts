// A tenant's name is claimed before the tenant bears it: the claim's stream is named from the folded name's digest, as
// stream names carry no one's text, and appended at the revision read, so two tenants cannot have one name.

import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const events = {
  TenantNameClaimed: [{ name: 'tenantId', type: 'string' }],
  TenantNameReleased: [],
} as const satisfies EventFields;

export type TenantNameState =
  | { readonly status: 'free' }
  | {
      readonly status: 'claimed';
      readonly tenantId: string;
      /** The event's id. */
      readonly claimId: string;
      readonly claimedAt: number;
    };

const evolve = (_: TenantNameState, event: EventOf<typeof events>): TenantNameState =>
  event.type === 'TenantNameReleased'
    ? { status: 'free' }
    : { status: 'claimed', tenantId: event.data.tenantId, claimId: event.id, claimedAt: event.recordedAt };

export const tenantNames = defineAggregate({
  category: 'tenantname',
  topic: 'defter.identity',
  events,
  fields: {},
  longest: 'unbounded',
  initial: { status: 'free' },
  evolve,
  standing: undefined,
});
