// The audit list: one row for each event of the log, whoever's it is, by the event's position.

import { topics } from '#events/aggregates.ts';
import type { EventRowProjection } from '#platform/projection/projection.ts';

export const auditReadModel: EventRowProjection = {
  kind: 'event-row',
  name: 'audit',
  topics,
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
      event: 'keyword',
      position: 'number',
    },
    sortBy: 'position',
    partitionBy: 'tenant',
    numbered: true,
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
      event: event.id,
      position: Number(event.position),
    };
  },
};
