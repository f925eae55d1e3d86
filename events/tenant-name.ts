// A tenant's name is claimed before the tenant is created: the claim's stream is named from the folded name and appended
// with `no_stream`, so two tenants cannot have one name.

import { avro, type FromAvro } from './avro.ts';
import type { RecordedEvent } from './envelope.ts';

export const tenantNameEvents = {
  TenantNameClaimed: avro({
    type: 'record',
    name: 'TenantNameClaimed',
    fields: [{ name: 'tenantId', type: 'string' }],
  }),
} as const;

export type TenantNameEvent = {
  [T in keyof typeof tenantNameEvents]: { readonly type: T; readonly data: FromAvro<(typeof tenantNameEvents)[T]> };
}[keyof typeof tenantNameEvents];

export type TenantNameState =
  { readonly status: 'free' } | { readonly status: 'claimed'; readonly tenantId: string; readonly claimedAt: number };

export const initialTenantName: TenantNameState = { status: 'free' };

export function evolveTenantName(state: TenantNameState, event: RecordedEvent): TenantNameState {
  const { type, data } = event as unknown as TenantNameEvent;
  switch (type) {
    case 'TenantNameClaimed':
      return { status: 'claimed', tenantId: data.tenantId, claimedAt: event.recordedAt };
    default:
      return state;
  }
}
