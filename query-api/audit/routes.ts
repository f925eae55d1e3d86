import { auditRoutes } from '#contracts/audit.ts';
import { problems } from '#contracts/problems.ts';
import { typesOfKind } from '#events/aggregates.ts';
import { ACTOR_KINDS } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, RequestOf } from '#platform/http/route.ts';
import type { Condition, Hit } from '#platform/search-index/search-index.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { readCursor } from '../page-cursor.ts';
import { searchPage } from '../search-page.ts';
import type { RecordRead } from './record-read.ts';
import { CONTENT_BYTES, type ShownValues } from './shown-values.ts';
import { viewAuditEvent } from './view-audit-event.ts';

export interface AuditQueryPorts {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly fresh: Freshness;
  readonly shown: ShownValues;
  readonly recordRead: RecordRead;
}

export function createAuditRoutes({ store, fresh, shown, recordRead }: AuditQueryPorts): BoundRoute[] {
  return bindRoutes(auditRoutes, 'query', {
    listAudit: async (request) => {
      const { caller, query } = request;
      const all = caller.permissions.has('platform');
      if (query.tenant !== undefined && query.tenant !== caller.tenantId && !all)
        throw new Problem(problems.forbidden, { detail: 'The audit of another tenant needs the permission platform.' });
      const tenant = query.tenant ?? (all ? null : caller.tenantId);
      const index = await fresh.of(auditReadModel, request);
      readCursor(query.after);
      await recordRead(request, { tenant, query });
      const { hits, next } = await searchPage(index, query, {
        partition: tenant ?? undefined,
        conditions: conditionsOf(query),
      });
      const events = await Promise.all(hits.map((hit) => eventOf(store, hit)));
      const { tenantId, permissions } = caller;
      const viewer = { tenantId, permissions, contentBytes: CONTENT_BYTES.list };
      const data = await Promise.all(events.flat().map((event) => viewAuditEvent(shown, event, viewer)));
      return { status: 200, body: { object: 'list', data, next } };
    },
  });
}

type Filters = RequestOf<typeof auditRoutes.listAudit>['query'];

function conditionsOf({ kind, type, stream, actor, from, to }: Filters): Condition[] {
  const conditions: Condition[] = [];
  if (type || kind) conditions.push({ field: 'type', in: [...(type ?? []), ...(kind ?? []).flatMap(typesOfKind)] });
  else conditions.push({ field: 'type', notIn: ['AuditRead'] });
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
