// Who looked at what happened: reading the audit is itself an event, one for each request, written before anything is
// answered. A stream for each tenant and day, so that none grows for ever.

import { defineAggregate, type EventFields } from './aggregate.ts';
import { contentSchema } from './content.ts';

const events = {
  AuditRead: [
    { name: 'route', type: 'string', doc: 'the operation, as the API names it' },
    {
      name: 'query',
      type: contentSchema('AuditReadQuery'),
      doc: 'what was asked for; may name people, so it is sealed with the key of whoever asked',
    },
    { name: 'tenant', type: ['null', 'string'], doc: 'whose audit was asked for; null: of all', default: null },
  ],
} as const satisfies EventFields;

export interface AccessesState {
  /** How often the audit was read. */
  readonly reads: number;
}

const evolve = ({ reads }: AccessesState): AccessesState => ({ reads: reads + 1 });

export const accesses = defineAggregate({
  // Of a tenant and a day, `yyyy-mm-dd`.
  category: 'access',
  topic: 'defter.operations',
  events,
  fields: { AuditRead: { query: 'personal' } },
  longest: 'unbounded',
  initial: { reads: 0 },
  evolve,
  standing: undefined,
});
