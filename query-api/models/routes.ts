import { modelRoutes } from '#contracts/models.ts';
import { problems } from '#contracts/problems.ts';
import { viewModel } from '#contracts/views.ts';
import { PLATFORM, isGrantedTo, models } from '#events/model.ts';
import { type Standing, standingKey } from '#events/standing.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import { type BoundRoute, etagOf, type Handler } from '#platform/http/route.ts';
import { didYouMean } from '#platform/nearest-name.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { modelsIn, usableModels } from './usable-models.ts';

export interface ModelQueryPorts {
  readonly standings: Standings<Standing>;
  readonly fresh: Freshness;
}

export function createModelRoutes({ standings, fresh }: ModelQueryPorts): BoundRoute[] {
  const listModels: Handler<typeof modelRoutes.listModels> = async (request) => {
    const { tenantId } = request.caller;
    const documents = await fresh.of(standingReadModel, request);
    const found = await usableModels(documents, tenantId);
    const data = found.map(({ model, revision }) => viewModel({ ...model, revision }, tenantId));
    return { status: 200, body: { object: 'list', data } };
  };

  const getModel: Handler<typeof modelRoutes.getModel> = async (request) => {
    const { tenantId } = request.caller;
    const { name } = request.params;
    const documents = await fresh.of(standingReadModel, request);
    const streams = [models.stream(tenantId, name), models.stream(PLATFORM, name)];
    // Restores what an emptied read store lacks.
    await standings.get(streams);
    const [own, shared] = await documents.get(streams.map(standingKey));
    const [found] = [...modelsIn(own), ...modelsIn(shared).filter(({ model }) => isGrantedTo(model, tenantId))];
    if (!found) {
      const names = (await usableModels(documents, tenantId)).map(({ model }) => model.definition.name);
      const detail = `There is no model ${name}${didYouMean(name, names) || '.'}`;
      throw new Problem(problems['model-not-found'], { detail });
    }
    const { model, revision } = found;
    return { status: 200, headers: { etag: etagOf(revision) }, body: viewModel({ ...model, revision }, tenantId) };
  };

  return bindRoutes(modelRoutes, 'query', { listModels, getModel });
}
