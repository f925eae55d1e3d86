import { type DataOf, defineAggregate, type EventFields, type EventOf } from './aggregate.ts';
import type { Actor } from './envelope.ts';

const events = {
  ApiKeyIssued: [
    { name: 'name', type: 'string' },
    { name: 'hash', type: 'string', doc: 'SHA-256 of the whole key, hex; keys are random, so it needs no salt' },
    { name: 'last4', type: 'string' },
    { name: 'scopes', type: { type: 'array', items: 'string' } },
    { name: 'expiresAt', type: ['null', 'long'], doc: 'milliseconds since the epoch', default: null },
    { name: 'models', type: ['null', { type: 'array', items: 'string' }], doc: 'null: any model', default: null },
    {
      name: 'personId',
      type: ['null', 'string'],
      doc: 'the person who made it, or whose key made it: it holds no more than they hold at the time',
      default: null,
    },
  ],
  ApiKeyRotated: [
    { name: 'successor', type: 'string', doc: 'the id of the key that takes its place' },
    { name: 'expiresAt', type: 'long', doc: 'until when this one is good beside it, in milliseconds since the epoch' },
  ],
  ApiKeyLimitsSet: [{ name: 'requestsPerMinute', type: ['null', 'long'], doc: 'null for none', default: null }],
  ApiKeyRevoked: [],
} as const satisfies EventFields;

export interface ApiKey extends DataOf<typeof events, 'ApiKeyIssued'> {
  readonly tenantId: string;
  readonly createdBy: Actor;
  readonly createdAt: number;
  readonly requestsPerMinute: number | null;
  /** The id of the key that takes its place. */
  readonly successor: string | null;
}

export type ApiKeyState =
  { readonly status: 'absent' } | { readonly status: 'active' | 'revoked'; readonly key: ApiKey };

function evolve(state: ApiKeyState, event: EventOf<typeof events>): ApiKeyState {
  if (event.type === 'ApiKeyIssued') {
    const { tenantId, actor: createdBy } = event.metadata;
    const own = { tenantId, createdBy, createdAt: event.recordedAt, requestsPerMinute: null, successor: null };
    return { status: 'active', key: { ...event.data, ...own } };
  }
  if (state.status === 'absent') return state;
  switch (event.type) {
    case 'ApiKeyRotated':
    case 'ApiKeyLimitsSet':
      return { ...state, key: { ...state.key, ...event.data } };
    case 'ApiKeyRevoked':
      return { ...state, status: 'revoked' };
  }
}

export const apiKeys = defineAggregate({
  category: 'apikey',
  topic: 'defter.identity',
  events,
  fields: { ApiKeyIssued: { hash: 'secret' } },
  upcasts: { ApiKeyIssued: [(data) => ({ ...(data as object), models: null, personId: null })] },
  longest: 'unbounded',
  initial: { status: 'absent' },
  evolve,
  standing: {
    listedWith: ({ key }) => (key.personId === null ? key.tenantId : [key.tenantId, key.personId]),
    listedAt: ({ status, key }) => (status === 'active' ? key.createdAt : null),
  },
});
