import { avro, type FromAvro } from './avro.ts';
import { type RememberedCommands, rememberCommand } from './commands.ts';
import type { RecordedEvent } from './envelope.ts';

export const tenantEvents = {
  TenantCreated: avro({ type: 'record', name: 'TenantCreated', fields: [{ name: 'name', type: 'string' }] }),
} as const;

export type TenantEvent = {
  [T in keyof typeof tenantEvents]: { readonly type: T; readonly data: FromAvro<(typeof tenantEvents)[T]> };
}[keyof typeof tenantEvents];

export type TenantState =
  | { readonly status: 'absent' }
  | {
      readonly status: 'active';
      readonly name: string;
      readonly createdAt: number;
      readonly commands: RememberedCommands;
    };

export const initialTenant: TenantState = { status: 'absent' };

export function evolveTenant(state: TenantState, event: RecordedEvent): TenantState {
  const { type, data } = event as unknown as TenantEvent;
  switch (type) {
    case 'TenantCreated':
      return { status: 'active', name: data.name, createdAt: event.recordedAt, commands: rememberCommand([], event) };
    default:
      return state;
  }
}
