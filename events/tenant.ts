import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const events = { TenantCreated: [{ name: 'name', type: 'string' }] } as const satisfies EventFields;

export type TenantState =
  { readonly status: 'absent' } | { readonly status: 'active'; readonly name: string; readonly createdAt: number };

function evolve(_: TenantState, event: EventOf<typeof events>): TenantState {
  const { name } = event.data;
  return { status: 'active', name, createdAt: event.recordedAt };
}

export const tenants = defineAggregate({
  category: 'tenant',
  topic: 'defter.identity',
  events,
  fields: {},
  longest: 1,
  initial: { status: 'absent' },
  evolve,
  standing: { listedWith: () => undefined, listedAt: ({ createdAt }) => createdAt },
});
