import { type AuditEventView, auditRoutes } from '#contracts/audit.ts';
import { problems } from '#contracts/problems.ts';
import { members } from '#events/member.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { users } from '#events/user.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { requireActive } from '#platform/http/permission.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Caller, HttpRequest } from '#platform/http/route.ts';
import { maxWords } from '#platform/search-index/fold.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import type { TokenBearer } from '../freshness.ts';
import type { NewestEvents, UpTo } from '../newest-events.ts';
import { notFound } from '../not-found.ts';
import { createStandingReader, type StandingPorts } from '../stored-one.ts';
import { type AuditFilter, auditFilter, isAsked, typeConditions } from './audit-filter.ts';
import { type AskedPage, eventPage, type PagePlace, placeOf } from './audit-page.ts';
import { exportAudit, type ExportFormat } from './export-audit.ts';
import { type FindEvents, findByIndex, findInAll, findInStream, isInStream } from './find-events.ts';
import { bucketsOf, viewHistogram } from './histogram.ts';
import { ownFilters } from './own-activity.ts';
import type { RecordRead } from './record-read.ts';
import { CONTENT_BYTES, type ShownValues, type Viewer } from './shown-values.ts';
import { viewAuditEvent } from './view-audit-event.ts';

export interface AuditQueryPorts extends StandingPorts {
  readonly store: Pick<EventStore, 'readStream' | 'head'>;
  readonly newest: NewestEvents;
  readonly shown: ShownValues;
  readonly recordRead: RecordRead;
  readonly now: () => number;
}

/** What of each event is found by its words. */
const SEARCHED = { differentWords: maxWords, inferences: false, reads: false } as const;

const DAY_MS = 86_400_000;

type ListRequest = HttpRequest<unknown, unknown, unknown, Caller>;

export function createAuditRoutes(ports: AuditQueryPorts): BoundRoute[] {
  const { store, newest, fresh, shown, recordRead, now } = ports;
  const readStandings = createStandingReader(ports);

  /** Where the log ends now. */
  const headNow = async (): Promise<UpTo> => ({ position: await store.head(), time: now() });

  /** A walk towards the newest would pass for good what the index lacks of them: it has them first, all up to now. */
  const upToOf = async ({ order, back }: PagePlace): Promise<UpTo | undefined> =>
    (order === 'ascending') === back ? undefined : headNow();

  const indexOf = async (filters: readonly AuditFilter[], request: TokenBearer, upTo: UpTo | undefined) => {
    const isWanted = (event: RecordedEvent) => filters.some((filter) => isAsked(filter, event));
    return fresh.of(auditReadModel, request, upTo && (await newest(request.caller, upTo, isWanted)));
  };

  /** A stream's events are found in the log itself, unless words are looked for. */
  const finderOf = async (filter: AuditFilter, request: TokenBearer, upTo: UpTo | undefined): Promise<FindEvents> => {
    const { stream, words } = filter;
    if (stream === undefined || words !== undefined)
      return findByIndex(await indexOf([filter], request, upTo), store, filter);
    fresh.check(request);
    return findInStream(store, stream, filter);
  };

  const viewFor =
    ({ tenantId, permissions }: Caller) =>
    (event: RecordedEvent): Promise<AuditEventView> => {
      const viewer: Viewer = { tenantId, permissions, contentBytes: CONTENT_BYTES.list };
      return viewAuditEvent(shown, event, viewer);
    };

  const answerOf = async (request: ListRequest, find: FindEvents, place: PagePlace) => {
    const page = await eventPage(find, place, viewFor(request.caller));
    return { status: 200, body: { object: 'list', ...page } };
  };

  return bindRoutes(auditRoutes, 'query', {
    listAudit: async (request) => {
      const { caller, query } = request;
      const tenant = tenantAsked(caller, query.tenant);
      const filter = auditFilter(query, tenant === null ? undefined : [tenant]);
      const place = placeIn(filter, query);
      const find = await finderOf(filter, request, await upToOf(place));
      await recordRead(request, { tenant, query: recordedQuery(query) });
      const { status, body } = await answerOf(request, find, place);
      const { words } = filter;
      return { status, body: { ...body, ...(words && { searched: { words, ...SEARCHED } }) } };
    },

    countAudit: async (request) => {
      const { caller, query } = request;
      const { buckets: most, to = now(), from = to - DAY_MS, ...asked } = query;
      const tenant = tenantAsked(caller, query.tenant);
      const filter = auditFilter({ ...asked, from, to }, tenant === null ? undefined : [tenant]);
      const index = await fresh.of(auditReadModel, request);
      await recordRead(request, { tenant, query: recordedQuery({ ...query, from, to }) });
      // Nothing was recorded before 1970, and no bucket begins where no year is written.
      const [since, until] = [Math.max(0, from), Math.max(0, to)];
      const buckets = bucketsOf(since, until, most);
      const { width, starts } = buckets;
      const conditions = typeConditions(filter);
      const counts =
        starts.length === 0
          ? []
          : await index.histogram({ partition: filter.tenants, from: since, to: until, width, conditions });
      return { status: 200, body: viewHistogram(since, until, buckets, counts) };
    },

    exportAudit: async (request) => {
      const { caller, query } = request;
      const { format, ...asked } = query;
      const tenant = tenantAsked(caller, query.tenant);
      const filter = auditFilter(asked, tenant === null ? undefined : [tenant]);
      const end = await headNow();
      const find = await finderOf(filter, request, end);
      await recordRead(request, { tenant, query: recordedQuery(query) });
      const stream = await exportAudit({ find, view: viewFor(caller), format, until: end.position });
      return { status: 200, headers: EXPORT_HEADERS[format], stream };
    },

    listUserActivity: async (request) => {
      const { caller, params, query } = request;
      const tenant = tenantAsked(caller, undefined);
      const [person, part] = await readStandings(request, [
        users.stream(params.id),
        members.stream(caller.tenantId, params.id),
      ]);
      if (!person || (!part && tenant !== null)) throw notFound();
      const asked = { ...query, actor: params.id, actorKind: 'user' as const };
      const filter = auditFilter(asked, tenant === null ? undefined : [tenant]);
      const place = placeIn(filter, query);
      const find = await finderOf(filter, request, await upToOf(place));
      await recordRead(request, { tenant, query: recordedQuery(asked) });
      return answerOf(request, find, place);
    },

    listMyActivity: async (request) => {
      const { caller, query } = request;
      requireActive(caller, problems);
      const { actor, tenantId } = caller;
      const filter = auditFilter({ ...query, actor: actor.id, actorKind: actor.kind }, [tenantId]);
      const place = placeIn(filter, query);
      const filters = actor.kind === 'user' ? ownFilters(filter, actor.id) : [filter];
      const index = await indexOf(filters, request, await upToOf(place));
      return answerOf(request, findInAll(filters.map((one) => findByIndex(index, store, one))), place);
    },
  });
}

const EXPORT_HEADERS: Readonly<Record<ExportFormat, Readonly<Record<string, string>>>> = {
  ndjson: {
    'content-type': 'application/x-ndjson; charset=utf-8',
    'content-disposition': 'attachment; filename="audit.ndjson"',
  },
  csv: {
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': 'attachment; filename="audit.csv"',
  },
};

/** Null: all. Throws 403 where it is not the caller's to see. */
function tenantAsked({ tenantId, permissions }: Caller, asked: string | undefined): string | null {
  const all = permissions.has('platform');
  if (asked !== undefined && asked !== tenantId && !all)
    throw new Problem(problems.forbidden, { detail: 'The audit of another tenant needs the permission platform.' });
  return asked ?? (all ? null : tenantId);
}

/** Throws 422 also for a place in another kind of list. */
function placeIn({ stream, words }: AuditFilter, asked: AskedPage): PagePlace {
  const place = placeOf(asked);
  const inStream = stream !== undefined && words === undefined;
  if (place.from === undefined || (inStream ? isInStream(place.from) : !isInStream(place.from))) return place;
  const pointer = place.back ? '/before' : '/after';
  const errors = [{ in: 'query' as const, pointer, message: 'is of a list with another filter' }];
  throw new Problem(problems['invalid-request'], { detail: 'There is no such page.', errors });
}

/** As it was asked, times as they are written. */
function recordedQuery(query: { readonly from?: number | undefined; readonly to?: number | undefined }) {
  const isoTimes = Object.entries(query).map(([name, value]) => [
    name,
    (name === 'from' || name === 'to') && typeof value === 'number' ? new Date(value).toISOString() : value,
  ]);
  return Object.fromEntries(isoTimes) as unknown;
}
