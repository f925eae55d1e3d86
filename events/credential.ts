// A credential's value never enters the log: it is in the vault under the credential's id, or in the environment.

import { type DataOf, defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const events = {
  CredentialStored: [
    { name: 'name', type: 'string' },
    { name: 'kind', type: { type: 'enum', name: 'CredentialKind', symbols: ['openai'] } },
    { name: 'last4', type: 'string', doc: 'the last characters of the value, to tell it apart; empty for env:NAME' },
    { name: 'secretId', type: ['null', 'string'], doc: 'names the value in the vault', default: null },
    { name: 'environment', type: ['null', 'string'], doc: 'the variable that holds the value', default: null },
  ],
  CredentialDeleted: [],
} as const satisfies EventFields;

export interface Credential extends DataOf<typeof events, 'CredentialStored'> {
  readonly tenantId: string;
  readonly createdAt: number;
}

export type CredentialState =
  { readonly status: 'absent' } | { readonly status: 'stored' | 'deleted'; readonly credential: Credential };

function evolve(state: CredentialState, event: EventOf<typeof events>): CredentialState {
  switch (event.type) {
    case 'CredentialStored': {
      const { tenantId } = event.metadata;
      const credential = { ...event.data, tenantId, createdAt: event.recordedAt };
      return { status: 'stored', credential };
    }
    case 'CredentialDeleted':
      if (state.status === 'absent') return state;
      return { ...state, status: 'deleted' };
  }
}

export const credentials = defineAggregate({
  category: 'credential',
  topic: 'defter.identity',
  events,
  fields: {},
  longest: 2,
  initial: { status: 'absent' },
  evolve,
  standing: {
    listedWith: ({ credential }) => credential.tenantId,
    listedAt: ({ status, credential }) => (status === 'stored' ? credential.createdAt : null),
  },
});
