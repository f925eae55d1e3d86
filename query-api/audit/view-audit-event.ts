import type { AuditEventView, EventHeadView } from '#contracts/audit.ts';
import { isoTime } from '#contracts/views.ts';
import { kindOfType } from '#events/aggregates.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import type { ShownValues, Viewer } from './shown-values.ts';

/** All but what it says. */
export const viewEventHead = (event: RecordedEvent): EventHeadView => ({
  id: event.id,
  kind: kindOfType(event.type) ?? '',
  type: event.type,
  stream: event.stream,
  revision: event.revision,
  position: String(event.position),
  tenantId: event.metadata.tenantId,
  actor: { ...event.metadata.actor },
  correlationId: event.metadata.$correlationId,
  causationId: event.metadata.$causationId,
  recordedAt: isoTime(event.recordedAt),
});

/** An event as it is shown wherever what happened is read. */
export async function viewAuditEvent(
  shown: Pick<ShownValues, 'eventData' | 'originOf'>,
  event: RecordedEvent,
  viewer: Viewer,
): Promise<AuditEventView> {
  const [data, origin] = await Promise.all([shown.eventData(event, viewer), shown.originOf(event)]);
  return { ...viewEventHead(event), data: data as AuditEventView['data'], origin };
}
