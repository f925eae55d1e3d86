// The audit list: one row for each event of the log, by its position.

import { TOPICS } from '#events/streams.ts';

export const AUDIT = { name: 'audit', topics: Object.values(TOPICS) } as const;

export const AUDIT_INDEX = {
  name: AUDIT.name,
  fields: {
    tenant: 'code',
    type: 'code',
    actor: 'code',
    stream: 'keyword',
    correlation: 'keyword',
    causation: 'keyword',
    recordedAt: 'number',
    position: 'number',
  },
  sortBy: 'position',
  partitionBy: 'tenant',
} as const;
