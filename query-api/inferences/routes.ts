import { inferenceRoutes } from '#contracts/inferences.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type BoundRoute, etagOf, type Handler, type RequestOf } from '#platform/http/route.ts';
import { answerWithEvents, lastEventId } from '#platform/http/sse.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Condition } from '#platform/search-index/search-index.ts';
import { inferencesReadModel, SEARCHED } from '../../projectors/inferences/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { notFound } from '../not-found.ts';
import { searchPage } from '../search-page.ts';
import { searchedWords } from '../searched-words.ts';
import { inferenceEvents } from './inference-events.ts';
import type { InferenceReader } from './inference-reader.ts';

export interface InferenceQueryPorts {
  readonly inferences: InferenceReader;
  readonly live: LiveChannel;
  readonly fresh: Freshness;
}

export function createInferenceRoutes({ inferences, live, fresh }: InferenceQueryPorts): BoundRoute[] {
  const getInference: Handler<typeof inferenceRoutes.getInference> = async (request) => {
    const { caller, params, query, signal } = request;
    fresh.check(request);
    const { wait } = query;
    const shown =
      wait === undefined
        ? await inferences.read(caller.tenantId, params.id)
        : await inferences.waitFor(caller.tenantId, params.id, wait, signal);
    if (!shown) throw notFound();
    const pending = wait !== undefined && !shown.ended;
    return {
      status: pending ? 202 : 200,
      headers: { etag: etagOf(shown.revision), ...(pending && { 'retry-after': '1' }) },
      body: shown.view,
    };
  };

  const listInferences: Handler<typeof inferenceRoutes.listInferences> = async (request) => {
    const { caller, query } = request;
    const words = query.q === undefined ? undefined : searchedWords(query.q);
    const index = await fresh.of(inferencesReadModel, request);
    const { tenantId } = caller;
    const { hits, next } = await searchPage('inferences', index, query, {
      partition: tenantId,
      conditions: conditionsOf(query),
      ...(words && { text: { field: 'words', words } }),
    });
    const shown = await inferences.readAll(
      tenantId,
      hits.map(({ fields }) => String(fields['inference'])),
    );
    const searched = words && { words, ...SEARCHED, running: false as const };
    return {
      status: 200,
      body: { object: 'list', data: shown.map(({ view }) => view), next, ...(searched && { searched }) },
    };
  };

  const streamInference: Handler<typeof inferenceRoutes.streamInference> = async (request) => {
    const { caller, params, headers, signal } = request;
    fresh.check(request);
    const look = async () => {
      const shown = await inferences.read(caller.tenantId, params.id);
      if (!shown) throw notFound();
      return shown.view;
    };
    await look();
    const seen = lastEventId(headers);
    const after = seen !== undefined && /^\d{1,16}$/.test(seen) ? Number(seen) : undefined;
    return answerWithEvents({ events: inferenceEvents({ inferenceId: params.id, live, look, after, signal }), signal });
  };

  return bindRoutes(inferenceRoutes, 'query', { getInference, listInferences, streamInference });
}

type Filters = RequestOf<typeof inferenceRoutes.listInferences>['query'];

function conditionsOf({ status, model, createdAfter, createdBefore }: Filters): Condition[] {
  const conditions: Condition[] = [];
  // To the index a running request is one that waits.
  if (status) conditions.push({ field: 'status', in: status.map((one) => (one === 'running' ? 'queued' : one)) });
  if (model) conditions.push({ field: 'model', in: model });
  if (createdAfter !== undefined || createdBefore !== undefined)
    conditions.push({
      field: 'createdAt',
      ...(createdAfter !== undefined && { from: createdAfter }),
      ...(createdBefore !== undefined && { to: createdBefore }),
    });
  return conditions;
}
