// A whole tenant as it was: at a moment, between two, and step by step.

import { problems } from '#contracts/problems.ts';
import type { replayRoutes } from '#contracts/replay.ts';
import { hasStanding, isThere, standingOf } from '#events/standing.ts';
import { categoryOf, subjectOf } from '#events/streams.ts';
import { tenants } from '#events/tenant.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller, Handler } from '#platform/http/route.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import { requireTypes } from '../audit/audit-filter.ts';
import type { RecordRead } from '../audit/record-read.ts';
import { CONTENT_BYTES, type Viewer } from '../audit/shown-values.ts';
import type { Freshness, TokenBearer } from '../freshness.ts';
import type { NewestEvents } from '../newest-events.ts';
import { notFound } from '../not-found.ts';
import { type PageEnd, readCursor, writeCursor } from '../page-cursor.ts';
import { isOfTenants, stepsOf } from './history-steps.ts';
import { inTurn } from '../in-turn.ts';
import { type Moment, requireInOrder, type ResolveMoment, viewMoment } from './moments.ts';
import { type EntityThen, openPastEntities, type PastEntityPorts } from './past-entities.ts';
import type { Step } from './past-of-stream.ts';
import { type Difference, peopleAt, tenantAt, tenantBetween } from './past-tenant.ts';
import type { ShownTo } from './shown-past.ts';
import { withinBytes } from '../within-bytes.ts';

/** Of the steps of a history, and of the things of a tenant; what is beyond it is told after `next`. */
const STEPS_BYTES = 4 * 1_048_576;
const THINGS_BYTES = 16 * 1_048_576;

export interface TenantPastPorts extends PastEntityPorts {
  readonly fresh: Freshness;
  readonly moments: ResolveMoment;
  readonly newest: NewestEvents;
  readonly shownTo: ShownTo;
  readonly recordRead: RecordRead;
}

export function createTenantPastHandlers(ports: TenantPastPorts) {
  const { fresh, past, moments, newest, shownTo, recordRead } = ports;

  /** Throws 404 for a tenant that never was. */
  const requireTenant = async (id: string) => {
    if (!(await past.first(tenants.stream(id)))) throw notFound();
  };

  const openEntities = async (request: TokenBearer, upTo: Moment) =>
    openPastEntities(ports, request, await newest(request.caller, upTo, ({ stream }) => hasStanding(stream)));

  async function thingsAt(request: TokenBearer, tenantId: string, moment: Moment, after?: PageEnd) {
    const { position } = moment;
    const shown = shownTo(viewerOf(request.caller, tenantId));
    const entities = await openEntities(request, moment);
    const [{ found, next }, tenant] = await Promise.all([
      tenantAt(entities, tenantId, position, after),
      past.stateAt(tenants.stream(tenantId), position),
    ]);
    const views = withinBytes(await shown.entities(found), THINGS_BYTES);
    const told = found.slice(0, views.length);
    const end = told.length < found.length ? endOf(told.at(-1)) : next;
    const things = {
      tenant: await shown.state(tenants.stream(tenantId), tenant?.state),
      entities: views,
      next: end === undefined ? null : writeCursor(thingsOf(tenantId), end),
    };
    return { entities, found: told, shown, things };
  }

  const getTenantAsOf: Handler<typeof replayRoutes.getTenantAsOf> = async (request) => {
    const { caller, params, query } = request;
    const { id } = params;
    const after = readEntityCursor(params.id, query.after);
    await requireTenant(id);
    const moment = await moments(caller, query.at, '/at');
    await recordRead(request, { tenant: id, query: { ...params, ...query } });
    const { entities, found, shown, things } = await thingsAt(request, id, moment, after);
    const people = await peopleAt(entities, found, moment.position, moment.clock);
    return {
      status: 200,
      body: {
        object: 'tenant-as-of',
        tenantId: id,
        moment: viewMoment(moment),
        ...things,
        ...(await shown.people(people)),
      },
    };
  };

  /** The two moments of a window; throws 422 where they are in the wrong order. */
  async function windowOf({ caller, query }: Windowed): Promise<{ readonly from: Moment; readonly to: Moment }> {
    const [from, to] = [await moments(caller, query.from, '/from'), await moments(caller, query.to, '/to')];
    requireInOrder(from, to);
    return { from, to };
  }

  const diffTenant: Handler<typeof replayRoutes.diffTenant> = async (request) => {
    const { caller, params, query } = request;
    const after = readEntityCursor(params.id, query.after);
    await requireTenant(params.id);
    const { from, to } = await windowOf(request);
    await recordRead(request, { tenant: params.id, query: { ...params, ...query } });
    const shown = shownTo(viewerOf(caller, params.id));
    const entities = await openEntities(request, to);
    const window = { from: from.position, to: to.position };
    const { found, next } = await tenantBetween(entities, params.id, window, after);
    const views = await inTurn(found, async ({ stream, kind, ...two }: Difference) => ({
      kind,
      id: subjectOf(stream),
      stream,
      op:
        two.before === undefined
          ? ('added' as const)
          : two.after === undefined
            ? ('removed' as const)
            : ('changed' as const),
      changes: await shown.changes(stream, two.before?.standing.state, two.after?.standing.state),
    }));
    return {
      status: 200,
      body: {
        object: 'tenant-diff',
        tenantId: params.id,
        from: viewMoment(from),
        to: viewMoment(to),
        entities: views,
        next: next === undefined ? null : writeCursor(thingsOf(params.id), next),
      },
    };
  };

  const getTenantHistory: Handler<typeof replayRoutes.getTenantHistory> = async (request) => {
    const { caller, params, query } = request;
    const { id } = params;
    requireTypes(query.type);
    await requireTenant(id);
    const { from, to } = await windowOf(request);
    await recordRead(request, { tenant: id, query: { ...params, ...query } });
    const shown = shownTo(viewerOf(caller, params.id));
    const audit = await fresh.of(
      auditReadModel,
      request,
      await newest(caller, to, ({ stream }) => isOfTenants(stream)),
    );
    const window = { from: from.position, to: to.position, types: query.type };
    const [{ things: first }, { steps, truncated, last }] = await Promise.all([
      thingsAt(request, id, from),
      stepsOf({ ...ports, audit }, id, window),
    ]);
    const views = await inTurn(steps, async ({ event, before, after }: Step) => {
      const { stream } = event;
      const standing = standingOf(stream, after);
      return {
        event: await shown.event(event),
        kind: categoryOf(stream),
        id: subjectOf(stream),
        isThere: standing !== undefined && isThere(stream, standing),
        state: await shown.state(stream, after),
        changes: await shown.changes(stream, before, after),
      };
    });
    const shownSteps = withinBytes(views, STEPS_BYTES);
    const isCut = shownSteps.length < views.length;
    const end = isCut ? steps[shownSteps.length - 1]?.event.position : last;
    return {
      status: 200,
      body: {
        object: 'tenant-history',
        tenantId: id,
        from: viewMoment(from),
        to: viewMoment(to),
        first,
        steps: shownSteps,
        truncated: truncated || isCut,
        next: (truncated || isCut) && end !== undefined ? String(end) : null,
      },
    };
  };

  return { getTenantAsOf, diffTenant, getTenantHistory };
}

/** A tenant's things hold no content; what is personal is shown to whoever may read its audit. */
const viewerOf = ({ permissions }: Caller, tenantId: string): Viewer => ({
  tenantId,
  permissions,
  contentBytes: CONTENT_BYTES.list,
});

const endOf = (one: EntityThen | undefined): PageEnd | undefined => one && { sort: Number(one.born), id: one.kind };

interface Windowed {
  readonly caller: Caller;
  readonly query: { readonly from: string; readonly to?: string | undefined };
}

/** What its cursors are good for. */
const thingsOf = (tenantId: string) => `things of ${tenantId}`;

/** Throws 422 for what is no `next` of ours. */
function readEntityCursor(tenantId: string, text: string | undefined): PageEnd | undefined {
  const end = readCursor(thingsOf(tenantId), text);
  if (end === undefined || (Number.isSafeInteger(end.sort) && end.sort >= 0)) return end;
  const errors = [{ in: 'query' as const, pointer: '/after', message: 'is not a `next` that an answer gave' }];
  throw new Problem(problems['invalid-request'], { detail: 'There is no such page.', errors });
}
