// A credential's value never enters the log: it is in the vault under the credential's id, or in the environment.

import { avro, type FromAvro } from './avro.ts';
import { type RememberedCommands, rememberCommand } from './commands.ts';
import type { RecordedEvent } from './envelope.ts';

export const credentialEvents = {
  CredentialStored: avro({
    type: 'record',
    name: 'CredentialStored',
    fields: [
      { name: 'name', type: 'string' },
      { name: 'kind', type: { type: 'enum', name: 'CredentialKind', symbols: ['openai'] } },
      { name: 'last4', type: 'string', doc: 'the last characters of the value, to tell it apart; empty for env:NAME' },
      { name: 'secretId', type: ['null', 'string'], doc: 'names the value in the vault', default: null },
      { name: 'environment', type: ['null', 'string'], doc: 'the variable that holds the value', default: null },
    ],
  }),
  CredentialDeleted: avro({ type: 'record', name: 'CredentialDeleted', fields: [] }),
} as const;

export type CredentialEvent = {
  [T in keyof typeof credentialEvents]: { readonly type: T; readonly data: FromAvro<(typeof credentialEvents)[T]> };
}[keyof typeof credentialEvents];

export interface Credential {
  readonly tenantId: string;
  readonly name: string;
  readonly kind: 'openai';
  readonly last4: string;
  readonly secretId: string | null;
  readonly environment: string | null;
  readonly createdAt: number;
}

export type CredentialState =
  | { readonly status: 'absent' }
  | { readonly status: 'stored' | 'deleted'; readonly credential: Credential; readonly commands: RememberedCommands };

export const initialCredential: CredentialState = { status: 'absent' };

export function evolveCredential(state: CredentialState, event: RecordedEvent): CredentialState {
  const { type, data } = event as unknown as CredentialEvent;
  switch (type) {
    case 'CredentialStored': {
      const { name, kind, last4, secretId, environment } = data;
      const { tenantId } = event.metadata;
      const credential = { tenantId, name, kind, last4, secretId, environment, createdAt: event.recordedAt };
      return { status: 'stored', credential, commands: rememberCommand([], event) };
    }
    case 'CredentialDeleted':
      if (state.status === 'absent') return state;
      return { ...state, status: 'deleted', commands: rememberCommand(state.commands, event) };
    default:
      return state;
  }
}
