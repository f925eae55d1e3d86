// The audit list: one row for each event of the log, whoever's it is.

import { topics } from '#events/aggregates.ts';
import type { EventRowProjection } from '#platform/projection/projection.ts';

export const auditReadModel: EventRowProjection = {
  kind: 'event-row',
  name: 'audit',
  topics: topics,
  index: {
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
  },
  fieldsOf(event) {
    const { tenantId, actor, $correlationId, $causationId } = event.metadata;
    return {
      tenant: tenantId,
      type: event.type,
      actor: `${actor.kind}:${actor.id}`,
      stream: event.stream,
      correlation: $correlationId,
      causation: $causationId,
      recordedAt: event.recordedAt,
      position: Number(event.position),
    };
  },
};
