import { type AuditEventView, auditRoutes } from '#contracts/audit.ts';
import { problems } from '#contracts/problems.ts';
import { isoTime } from '#contracts/views.ts';
import { ACTOR_KINDS } from '#events/envelope.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, RequestOf } from '#platform/http/route.ts';
import type { Condition, Hit } from '#platform/search-index/search-index.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { searchPage } from '../search-page.ts';

export interface AuditQueryPorts {
  readonly fresh: Freshness;
}

export function createAuditRoutes({ fresh }: AuditQueryPorts): BoundRoute[] {
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
      return { status: 200, body: { object: 'list', data: hits.map(viewAuditEvent), next } };
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

function viewAuditEvent({ revision, fields }: Hit): AuditEventView {
  const text = (name: string) => String(fields[name] ?? '');
  const [kind, ...rest] = text('actor').split(':');
  return {
    id: text('event'),
    type: text('type'),
    stream: text('stream'),
    revision,
    position: text('position'),
    tenantId: text('tenant'),
    actor: { kind: kind as AuditEventView['actor']['kind'], id: rest.join(':') },
    correlationId: text('correlation'),
    causationId: text('causation'),
    recordedAt: isoTime(Number(fields['recordedAt'])),
  };
}
