// Who administers a tenant, in one stream: of two who would each take the role from the other at once, one is refused, and
// a tenant never loses its last. Written before the membership's own event.

import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const USER = { name: 'userId', type: 'string' } as const;

const events = { AdminAdded: [USER], AdminRemoved: [USER] } as const satisfies EventFields;

export interface AdminsState {
  readonly userIds: readonly string[];
}

function evolve({ userIds }: AdminsState, event: EventOf<typeof events>): AdminsState {
  const others = userIds.filter((id) => id !== event.data.userId);
  return { userIds: event.type === 'AdminAdded' ? [...others, event.data.userId] : others };
}

export const admins = defineAggregate({
  category: 'admins',
  topic: 'defter.identity',
  events,
  fields: {},
  longest: 'unbounded',
  initial: { userIds: [] },
  evolve,
  standing: undefined,
});
