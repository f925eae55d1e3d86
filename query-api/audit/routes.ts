import { type AuditEventView, auditRoutes } from '#contracts/audit.ts';
import { problems } from '#contracts/problems.ts';
import { isoTime } from '#contracts/views.ts';
import { ACTOR_KINDS, type RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, RequestOf } from '#platform/http/route.ts';
import type { Condition, Hit } from '#platform/search-index/search-index.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { searchPage } from '../search-page.ts';

export interface AuditQueryPorts {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly fresh: Freshness;
}

export function createAuditRoutes({ store, fresh }: AuditQueryPorts): BoundRoute[] {
  return bindRoutes(auditRoutes, 'query', {
    listAudit: async (request) => {
      const { caller, query } = request;
      const all = caller.permissions.has('platform');
      if (query.tenant !== undefined && query.tenant !== caller.tenantId && !all)
        throw new Problem(problems.forbidden, { detail: 'The audit of another tenant needs the permission platform.' });
      const index = await fresh.of(auditReadModel, request);
      const { hits, next } = await searchPage(index, query, {
        partition: query.tenant ?? (all ? undefined : caller.tenantId),
        conditions: conditionsOf(query),
      });
      const events = await Promise.all(hits.map((hit) => eventOf(store, hit)));
      return { status: 200, body: { object: 'list', data: events.flat().map(viewAuditEvent), next } };
    },
  });
}

type Filters = RequestOf<typeof auditRoutes.listAudit>['query'];

function conditionsOf({ type, stream, actor, from, to }: Filters): Condition[] {
  const conditions: Condition[] = [];
  if (type) conditions.push({ field: 'type', in: type });
  if (stream !== undefined) conditions.push({ field: 'stream', in: [stream] });
  if (actor !== undefined) conditions.push({ field: 'actor', in: ACTOR_KINDS.map((kind) => `${kind}:${actor}`) });
  if (from !== undefined || to !== undefined)
    conditions.push({
      field: 'recordedAt',
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to: to - 1 }),
    });
  return conditions;
}

const eventOf = (store: Pick<EventStore, 'readStream'>, { fields, revision }: Hit) =>
  store.readStream(String(fields['stream']), { from: revision, limit: 1 });

const viewAuditEvent = (event: RecordedEvent): AuditEventView => ({
  id: event.id,
  type: event.type,
  stream: event.stream,
  revision: event.revision,
  position: String(event.position),
  tenantId: event.metadata.tenantId,
  actor: event.metadata.actor,
  correlationId: event.metadata.$correlationId,
  causationId: event.metadata.$causationId,
  recordedAt: isoTime(event.recordedAt),
});
