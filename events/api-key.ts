import { type DataOf, defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const events = {
  ApiKeyIssued: [
    { name: 'name', type: 'string' },
    { name: 'hash', type: 'string', doc: 'SHA-256 of the whole key, hex; keys are random, so it needs no salt' },
    { name: 'last4', type: 'string' },
    { name: 'scopes', type: { type: 'array', items: 'string' } },
    { name: 'expiresAt', type: ['null', 'long'], doc: 'milliseconds since the epoch', default: null },
  ],
  ApiKeyRevoked: [],
} as const satisfies EventFields;

export interface ApiKey extends DataOf<typeof events, 'ApiKeyIssued'> {
  readonly tenantId: string;
  readonly createdAt: number;
}

export type ApiKeyState =
  { readonly status: 'absent' } | { readonly status: 'active' | 'revoked'; readonly key: ApiKey };

function evolve(state: ApiKeyState, event: EventOf<typeof events>): ApiKeyState {
  switch (event.type) {
    case 'ApiKeyIssued': {
      const { tenantId } = event.metadata;
      const key = { ...event.data, tenantId, createdAt: event.recordedAt };
      return { status: 'active', key };
    }
    case 'ApiKeyRevoked':
      if (state.status === 'absent') return state;
      return { ...state, status: 'revoked' };
  }
}

export const apiKeys = defineAggregate({
  category: 'apikey',
  topic: 'defter.identity',
  events,
  fields: { ApiKeyIssued: { hash: 'secret' } },
  longest: 2,
  initial: { status: 'absent' },
  evolve,
  standing: {
    listedWith: ({ key }) => key.tenantId,
    listedAt: ({ status, key }) => (status === 'active' ? key.createdAt : null),
  },
});
