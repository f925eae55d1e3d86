// The searchable list of inferences: one row for each, without content but for its folded words.

export const INFERENCES_INDEX = {
  name: 'inferences',
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
