// A tenant's name is claimed before the tenant is created: the claim's stream is named from the folded name's digest, as
// stream names carry no one's text, and appended with `no_stream`, so two tenants cannot have one name.

import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const events = { TenantNameClaimed: [{ name: 'tenantId', type: 'string' }] } as const satisfies EventFields;

export type TenantNameState =
  { readonly status: 'free' } | { readonly status: 'claimed'; readonly tenantId: string; readonly claimedAt: number };

const evolve = (_: TenantNameState, { data, recordedAt }: EventOf<typeof events>): TenantNameState => ({
  status: 'claimed',
  tenantId: data.tenantId,
  claimedAt: recordedAt,
});

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
