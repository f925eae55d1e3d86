// What a person, or a key, has read of what they are told.

import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const events = {
  NotificationsRead: [
    { name: 'ids', type: { type: 'array', items: 'string' }, doc: 'of those that were marked one by one' },
    { name: 'upTo', type: ['null', 'long'], doc: 'all until then, in milliseconds since the epoch', default: null },
    { name: 'of', type: { type: 'array', items: 'string' }, doc: 'the tenants whose notifications `upTo` is about' },
  ],
} as const satisfies EventFields;

export interface InboxState {
  /** Those that were marked one by one, the latest last: as many as are remembered. */
  readonly ids: readonly string[];
  /** By tenant: all until then are read, in milliseconds since the epoch. */
  readonly upTo: Readonly<Record<string, number>>;
}

function evolve(before: InboxState, event: EventOf<typeof events>): InboxState {
  const remembered = 1_000;
  const { ids, upTo, of } = event.data;
  const marked = new Set(ids);
  const later = upTo === null ? [] : of.map((tenant) => [tenant, Math.max(before.upTo[tenant] ?? 0, upTo)] as const);
  return {
    ids: [...before.ids.filter((id) => !marked.has(id)), ...marked].slice(-remembered),
    upTo: { ...before.upTo, ...Object.fromEntries(later) },
  };
}

export const inboxes = defineAggregate({
  // Of a kind of actor and their id.
  category: 'inbox',
  topic: 'defter.operations',
  events,
  fields: {},
  longest: 'unbounded',
  initial: { ids: [], upTo: {} },
  evolve,
  standing: undefined,
});

/** Whether one of a tenant, of a moment, has been read. */
export const isRead = ({ ids, upTo }: InboxState, one: { id: string; tenant: string; at: number }): boolean =>
  one.at <= (upTo[one.tenant] ?? 0) || ids.includes(one.id);
