import type { EventRowProjection } from '#platform/projection/projection.ts';
import { AUDIT, AUDIT_INDEX } from './read-model.ts';

/** One row for each event of the log, whoever's it is. */
export const auditProjection: EventRowProjection = {
  kind: 'event-row',
  ...AUDIT,
  index: AUDIT_INDEX,
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
