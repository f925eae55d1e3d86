// The audit list: one row for each event of the log, by its position.

export const AUDIT_INDEX = {
  name: 'audit',
  fields: {
    tenant: 'code',
    type: 'code',
    actor: 'code',
    stream: 'keyword',
    event: 'keyword',
    correlation: 'keyword',
    causation: 'keyword',
    revision: 'number',
    recordedAt: 'number',
    position: 'number',
  },
  sortBy: 'position',
  partitionBy: 'tenant',
} as const;
