import { modelRoutes } from '#contracts/models.ts';
import { problems } from '#contracts/problems.ts';
import { viewModel } from '#contracts/views.ts';
import { type Model, isGrantedTo, PLATFORM } from '#events/model.ts';
import { listOf, type Standing, standingKey } from '#events/standing.ts';
import { modelStream } from '#events/streams.ts';
import { Problem } from '#platform/http/problem.ts';
import { type BoundRoute, bindRoute, etagOf } from '#platform/http/route.ts';
import type { Standings } from '#platform/standing/standings.ts';
import type { FreshDocuments, Freshness } from '../freshness.ts';

/** A tenant has at most this many models of its own; the list is one page, as OpenAI's clients expect. */
const MOST_MODELS = 1_000;

export interface ModelQueryPorts {
  readonly standings: Standings<Standing>;
  readonly fresh: Freshness;
}

interface Found {
  readonly model: Model;
  readonly revision: number;
}

const foundIn = (document: { readonly value: unknown; readonly revision: number } | undefined): Found[] => {
  const standing = document?.value as Standing | null | undefined;
  if (!document || standing?.of !== 'model' || standing.state.status !== 'registered') return [];
  return [{ model: standing.state.model, revision: document.revision }];
};

export function createModelRoutes({ standings, fresh }: ModelQueryPorts): BoundRoute[] {
  const listedBy = async (documents: FreshDocuments, owner: string): Promise<Found[]> => {
    const members = await documents.range(listOf.models(owner), { limit: MOST_MODELS });
    const found = await documents.get(members.map(({ member }) => standingKey(member)));
    return found.flatMap(foundIn);
  };

  const list = bindRoute(modelRoutes.listModels, async (request) => {
    const { tenantId } = request.caller;
    const documents = await fresh.standings(request);
    const own = tenantId === PLATFORM ? [] : await listedBy(documents, tenantId);
    const names = new Set(own.map(({ model }) => model.definition.name));
    const shared = (await listedBy(documents, PLATFORM)).filter(
      ({ model }) => isGrantedTo(model, tenantId) && !names.has(model.definition.name),
    );
    const data = [...own, ...shared].map(({ model, revision }) => viewModel({ ...model, revision }, tenantId));
    return { status: 200, body: { object: 'list', data } };
  });

  const get = bindRoute(modelRoutes.getModel, async (request) => {
    const { tenantId } = request.caller;
    const documents = await fresh.standings(request);
    const streams = [modelStream(tenantId, request.params.name), modelStream(PLATFORM, request.params.name)];
    // Restores what an emptied read store lacks.
    await standings.get(streams);
    const [own, shared] = await documents.get(streams.map(standingKey));
    const [found] = [...foundIn(own), ...foundIn(shared).filter(({ model }) => isGrantedTo(model, tenantId))];
    if (!found) throw new Problem(problems['model-not-found'], { detail: `There is no model ${request.params.name}.` });
    const { model, revision } = found;
    return { status: 200, headers: { etag: etagOf(revision) }, body: viewModel({ ...model, revision }, tenantId) };
  });

  return [list, get];
}
