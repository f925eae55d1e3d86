import { avro, type FromAvro } from './avro.ts';
import { type RememberedCommands, rememberCommand } from './commands.ts';
import type { RecordedEvent } from './envelope.ts';

export const apiKeyEvents = {
  ApiKeyIssued: avro({
    type: 'record',
    name: 'ApiKeyIssued',
    fields: [
      { name: 'name', type: 'string' },
      { name: 'hash', type: 'string', doc: 'SHA-256 of the whole key, hex; keys are random, so it needs no salt' },
      { name: 'last4', type: 'string' },
      { name: 'scopes', type: { type: 'array', items: 'string' } },
      { name: 'expiresAt', type: ['null', 'long'], doc: 'milliseconds since the epoch', default: null },
    ],
  }),
  ApiKeyRevoked: avro({ type: 'record', name: 'ApiKeyRevoked', fields: [] }),
} as const;

export type ApiKeyEvent = {
  [T in keyof typeof apiKeyEvents]: { readonly type: T; readonly data: FromAvro<(typeof apiKeyEvents)[T]> };
}[keyof typeof apiKeyEvents];

export interface ApiKey {
  readonly tenantId: string;
  readonly name: string;
  readonly hash: string;
  readonly last4: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
  readonly createdAt: number;
}

export type ApiKeyState =
  | { readonly status: 'absent' }
  | { readonly status: 'active' | 'revoked'; readonly key: ApiKey; readonly commands: RememberedCommands };

export const initialApiKey: ApiKeyState = { status: 'absent' };

export function evolveApiKey(state: ApiKeyState, event: RecordedEvent): ApiKeyState {
  const { type, data } = event as unknown as ApiKeyEvent;
  switch (type) {
    case 'ApiKeyIssued': {
      const { name, hash, last4, scopes, expiresAt } = data;
      const { tenantId } = event.metadata;
      const key = { tenantId, name, hash, last4, scopes, expiresAt, createdAt: event.recordedAt };
      return { status: 'active', key, commands: rememberCommand([], event) };
    }
    case 'ApiKeyRevoked':
      if (state.status === 'absent') return state;
      return { ...state, status: 'revoked', commands: rememberCommand(state.commands, event) };
    default:
      return state;
  }
}
