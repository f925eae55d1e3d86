import { modelRoutes } from '#contracts/models.ts';
import { problems } from '#contracts/problems.ts';
import { viewModel } from '#contracts/views.ts';
import { models, PLATFORM } from '#events/model.ts';
import { modelStateOf, usableModel } from '#events/usable-model.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import { type BoundRoute, etagOf, type Handler } from '#platform/http/route.ts';
import { didYouMean } from '#platform/nearest-name.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import { createStandingReader, type StandingPorts } from '../stored-one.ts';
import { namesToCompare, usableModels } from './usable-models.ts';

export function createModelRoutes(ports: StandingPorts): BoundRoute[] {
  const { fresh } = ports;
  const readStandings = createStandingReader(ports);

  const listModels: Handler<typeof modelRoutes.listModels> = async (request) => {
    const { tenantId, models: allowed } = request.caller;
    const documents = await fresh.of(standingReadModel, request);
    const found = await usableModels(documents, tenantId);
    const shown = found.filter(({ model }) => allowed === undefined || allowed.includes(model.definition.name));
    const data = shown.map(({ model, revision }) => viewModel({ ...model, revision }, tenantId));
    return { status: 200, body: { object: 'list', data } };
  };

  const getModel: Handler<typeof modelRoutes.getModel> = async (request) => {
    const { tenantId, models: allowed } = request.caller;
    const { name } = request.params;
    if (allowed !== undefined && !allowed.includes(name))
      throw new Problem(problems['model-not-found'], { detail: `There is no model ${name} that this key may use.` });
    const [own, shared] = await readStandings(request, [models.stream(tenantId, name), models.stream(PLATFORM, name)]);
    const model = usableModel(tenantId, modelStateOf(own?.standing), modelStateOf(shared?.standing));
    if (!model) {
      const documents = await fresh.of(standingReadModel, request);
      const names = (await namesToCompare(documents, tenantId)).filter((other) => allowed?.includes(other) ?? true);
      const detail = `There is no model ${name}${didYouMean(name, names) || '.'}`;
      throw new Problem(problems['model-not-found'], { detail });
    }
    return {
      status: 200,
      headers: own ? { etag: etagOf(own.revision) } : {},
      body: viewModel({ ...model, revision: own?.revision ?? null }, tenantId),
    };
  };

  return bindRoutes(modelRoutes, 'query', { listModels, getModel });
}
