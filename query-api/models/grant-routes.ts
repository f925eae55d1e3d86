import { modelGrantRoutes } from '#contracts/model-grants.ts';
import { problems } from '#contracts/problems.ts';
import { viewModelGrants } from '#contracts/views.ts';
import { models, PLATFORM } from '#events/model.ts';
import { modelStateOf, registeredModel } from '#events/usable-model.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import { type BoundRoute, etagOf } from '#platform/http/route.ts';
import { createStandingReader, type StandingPorts } from '../stored-one.ts';

export function createModelGrantRoutes(ports: StandingPorts): BoundRoute[] {
  const readStandings = createStandingReader(ports);
  return bindRoutes(modelGrantRoutes, 'query', {
    listModelGrants: async (request) => {
      const { name } = request.params;
      const [stored] = await readStandings(request, [models.stream(PLATFORM, name)]);
      const model = registeredModel(modelStateOf(stored?.standing));
      if (!stored || !model)
        throw new Problem(problems['model-not-found'], { detail: `The platform has no model ${name}.` });
      return {
        status: 200,
        headers: { etag: etagOf(stored.revision) },
        body: viewModelGrants(name, model.grantedTo),
      };
    },
  });
}
