import { type Model, models, PLATFORM } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import { modelStateOf, usableModel } from '#events/usable-model.ts';
import type { Standings } from '#platform/standing/standings.ts';

/** What a name means to a tenant; undefined where it means nothing. */
export async function resolveModel(
  standings: Pick<Standings<Standing>, 'get'>,
  tenantId: string,
  name: string,
): Promise<Model | undefined> {
  const [own, shared] = await standings.get([models.stream(tenantId, name), models.stream(PLATFORM, name)]);
  return usableModel(tenantId, modelStateOf(own), modelStateOf(shared));
}
