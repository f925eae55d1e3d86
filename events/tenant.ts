import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const NAME = { name: 'name', type: 'string' } as const;

const events = {
  TenantCreated: [NAME],
  TenantRenamed: [NAME],
  TenantSuspended: [{ name: 'reason', type: 'string', doc: 'shown to those who are refused; may be empty' }],
  TenantReinstated: [],
  TenantLimitsSet: [{ name: 'requestsPerMinute', type: ['null', 'long'], doc: 'null for none', default: null }],
} as const satisfies EventFields;

export type TenantState =
  | { readonly status: 'absent' }
  | {
      readonly status: 'active' | 'suspended';
      readonly name: string;
      readonly createdAt: number;
      /** Of the suspension, while there is one. */
      readonly reason: string | null;
      readonly requestsPerMinute: number | null;
    };

function evolve(state: TenantState, event: EventOf<typeof events>): TenantState {
  if (event.type === 'TenantCreated') {
    const { name } = event.data;
    return { status: 'active', name, createdAt: event.recordedAt, reason: null, requestsPerMinute: null };
  }
  if (state.status === 'absent') return state;
  switch (event.type) {
    case 'TenantRenamed':
      return { ...state, name: event.data.name };
    case 'TenantSuspended':
      return { ...state, status: 'suspended', reason: event.data.reason };
    case 'TenantReinstated':
      return { ...state, status: 'active', reason: null };
    case 'TenantLimitsSet':
      return { ...state, requestsPerMinute: event.data.requestsPerMinute };
  }
}

export const tenants = defineAggregate({
  category: 'tenant',
  topic: 'defter.identity',
  events,
  fields: {},
  longest: 'unbounded',
  initial: { status: 'absent' },
  evolve,
  standing: { listedWith: () => undefined, listedAt: ({ createdAt }) => createdAt },
});
