// Who administers a tenant, in one stream: of two who would each take the role from the other at once, one is refused, and
// a tenant never loses its last. Written before the membership's own event.

import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const USER = { name: 'userId', type: 'string' } as const;

const events = {
  AdminAdded: [USER],
  AdminRemoved: [USER],
  AdminBarred: [{ ...USER, doc: 'someone who is disabled: they are not added until they are enabled' }],
  AdminUnbarred: [USER],
} as const satisfies EventFields;

export interface AdminsState {
  readonly userIds: readonly string[];
  /** Only of the platform, which is who disables people. */
  readonly barred: readonly string[];
}

function evolve(state: AdminsState, { type, data: { userId } }: EventOf<typeof events>): AdminsState {
  const without = (ids: readonly string[]) => ids.filter((id) => id !== userId);
  switch (type) {
    case 'AdminAdded':
      return { ...state, userIds: [...without(state.userIds), userId] };
    case 'AdminRemoved':
      return { ...state, userIds: without(state.userIds) };
    case 'AdminBarred':
      return { ...state, barred: [...without(state.barred), userId] };
    case 'AdminUnbarred':
      return { ...state, barred: without(state.barred) };
  }
}

export const admins = defineAggregate({
  category: 'admins',
  topic: 'defter.identity',
  events,
  fields: {},
  longest: 'unbounded',
  initial: { userIds: [], barred: [] },
  evolve,
  standing: undefined,
});
