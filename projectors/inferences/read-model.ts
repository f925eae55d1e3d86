// The searchable list of inferences: one row for each, without content but for its folded words.

import { TOPICS } from '#events/streams.ts';

export const INFERENCES = { name: 'inferences', topics: [TOPICS.inference] } as const;

export const INFERENCES_INDEX = {
  name: INFERENCES.name,
  fields: {
    tenant: 'code',
    status: 'code',
    model: 'code',
    createdAt: 'number',
    endedAt: 'number',
    words: 'text',
  },
  sortBy: 'createdAt',
  partitionBy: 'tenant',
} as const;
