import type { RecordedEvent } from '#events/envelope.ts';

/** Width of the largest 64-bit position, so that ids sort as positions do. */
const DIGITS = 20;

export const auditId = (event: RecordedEvent) => String(event.position).padStart(DIGITS, '0');

export function projectAudit(event: RecordedEvent) {
  const { tenantId, actor, $correlationId, $causationId } = event.metadata;
  return {
    tenant: tenantId,
    type: event.type,
    actor: `${actor.kind}:${actor.id}`,
    stream: event.stream,
    event: event.id,
    correlation: $correlationId,
    causation: $causationId,
    revision: event.revision,
    recordedAt: event.recordedAt,
    position: Number(event.position),
  };
}
