// The history of one thing. Needs `audit:read` in the tenant that the stream is of, for an inference `inference:read`.

import { problems } from '#contracts/problems.ts';
import { replayRoutes } from '#contracts/replay.ts';
import { aggregateOf } from '#events/aggregates.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { inferences } from '#events/inference.ts';
import { categoryOf } from '#events/streams.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { requirePermission } from '#platform/http/permission.ts';
import type { Caller, Handler, RequestOf } from '#platform/http/route.ts';
import type { RecordRead } from '../audit/record-read.ts';
import { CONTENT_BYTES, type Viewer } from '../audit/shown-values.ts';
import type { Freshness } from '../freshness.ts';
import { notFound } from '../not-found.ts';
import { inTurn } from '../in-turn.ts';
import { requireInOrder, type ResolveMoment, viewMoment } from './moments.ts';
import type { PastOfStreams, Step } from './past-of-stream.ts';
import type { ShownTo } from './shown-past.ts';
import { withinBytes } from '../within-bytes.ts';

/** Of the events of a page; what is beyond it is on the next. */
const PAGE_BYTES = 1_048_576;

export interface StreamRoutePorts {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly past: PastOfStreams;
  readonly fresh: Pick<Freshness, 'check'>;
  readonly moments: ResolveMoment;
  readonly shownTo: ShownTo;
  readonly recordRead: RecordRead;
}

export function createStreamHandlers({ store, past, fresh, moments, shownTo, recordRead }: StreamRoutePorts) {
  /** The stream's first event; throws the same 404 for what never was and for what is another tenant's. */
  async function requireStream(caller: Caller, stream: string): Promise<RecordedEvent> {
    const ofInference = isInference(stream);
    requirePermission(caller, ofInference ? 'inference:read' : 'audit:read', problems);
    const first = aggregateOf(stream) && (await past.first(stream));
    // Whoever sees all tenants reads what was asked and answered only where they act, as on every other route.
    const seesAll = caller.permissions.has('platform') && !ofInference;
    if (first && (seesAll || first.metadata.tenantId === caller.tenantId)) return first;
    throw notFound();
  }

  /** Before anything of it is told; an inference's own events are no audit. */
  const record = async (
    request: RequestOf<typeof replayRoutes.getStream | typeof replayRoutes.diffStream>,
    { stream, metadata }: RecordedEvent,
  ) => {
    if (isInference(stream)) return;
    await recordRead(request, { tenant: metadata.tenantId, query: { ...request.params, ...request.query } });
  };

  const viewerOf = ({ tenantId, permissions }: Caller): Viewer => ({
    tenantId,
    permissions,
    contentBytes: CONTENT_BYTES.one,
  });

  const stepsOf = async (stream: string, { low, high }: Page): Promise<Row[]> =>
    (await past.steps(stream, low, high)).map((step) => ({ event: step.event, step }));

  const eventsOf = async (stream: string, { low, high }: Page): Promise<Row[]> => {
    if (low > high) return [];
    const events = await store.readStream(stream, { from: low, limit: high - low + 1 });
    return events.map((event) => ({ event, step: undefined }));
  };

  const getStream: Handler<typeof replayRoutes.getStream> = async (request) => {
    const { caller, params, query } = request;
    const { stream } = params;
    fresh.check(request);
    const first = await requireStream(caller, stream);
    const moment = await moments(caller, query.at, '/at');
    await record(request, first);
    const shown = shownTo(viewerOf(caller));
    const revision = (await past.lastUpTo(stream, moment.position))?.revision ?? -1;
    const page = pageOf(query, revision);
    const rows = query.include ? await stepsOf(stream, page) : await eventsOf(stream, page);
    const inOrder = query.order === 'desc' ? rows.toReversed() : rows;
    const views = await inTurn(inOrder, async ({ event, step }) => ({
      ...(await shown.event(event)),
      ...(step && { changes: await shown.changes(stream, step.before, step.after) }),
    }));
    const data = withinBytes(views, PAGE_BYTES);
    const next = data.length < views.length ? inOrder[data.length - 1]?.event.revision : page.next;
    return {
      status: 200,
      body: {
        object: 'stream',
        stream,
        kind: categoryOf(stream),
        tenantId: first.metadata.tenantId,
        revision,
        moment: viewMoment(moment),
        state: await shown.state(stream, (await past.stateAt(stream, moment.position))?.state),
        data,
        next: next === undefined ? null : String(next),
      },
    };
  };

  const diffStream: Handler<typeof replayRoutes.diffStream> = async (request) => {
    const { caller, params, query } = request;
    const { stream } = params;
    fresh.check(request);
    const first = await requireStream(caller, stream);
    const [from, to] = [await moments(caller, query.from, '/from'), await moments(caller, query.to, '/to')];
    requireInOrder(from, to);
    await record(request, first);
    const [before, after] = [await past.stateAt(stream, from.position), await past.stateAt(stream, to.position)];
    return {
      status: 200,
      body: {
        object: 'diff',
        from: { moment: viewMoment(from), revision: before?.event.revision ?? -1 },
        to: { moment: viewMoment(to), revision: after?.event.revision ?? -1 },
        changes: await shownTo(viewerOf(caller)).changes(stream, before?.state, after?.state),
      },
    };
  };

  return { getStream, diffStream };
}

const isInference = (stream: string) => categoryOf(stream) === inferences.category;

/** An event of the page; with what it did, where that is asked for. */
interface Row {
  readonly event: RecordedEvent;
  readonly step: Step | undefined;
}

/** Revisions, both included, and what the page after it is asked for by. */
interface Page {
  readonly low: number;
  readonly high: number;
  readonly next: number | undefined;
}

/** `after` is the revision of the last event of the page before. */
function pageOf(
  {
    order,
    limit,
    after,
  }: { readonly order: 'asc' | 'desc'; readonly limit: number; readonly after?: string | undefined },
  last: number,
): Page {
  if (order === 'asc') {
    const low = after === undefined ? 0 : Number(after) + 1;
    const high = Math.min(low + limit - 1, last);
    return { low, high, next: high < last ? high : undefined };
  }
  const high = after === undefined ? last : Math.min(Number(after) - 1, last);
  const low = Math.max(high - limit + 1, 0);
  return { low, high, next: low > 0 ? low : undefined };
}
