// The audit list: one row for each event of the log, by its position.

export const AUDIT_INDEX = {
  name: 'audit',
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
