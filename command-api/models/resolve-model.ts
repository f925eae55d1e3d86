// A name means the tenant's own model first, then the platform's, if it is granted.

import { type Model, PLATFORM, isGrantedTo, models } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import type { Standings } from '#platform/standing/standings.ts';

const registered = (standing: Standing | undefined): Model | undefined =>
  standing?.of === 'model' && standing.state.status === 'registered' ? standing.state.model : undefined;

export async function resolveModel(
  standings: Pick<Standings<Standing>, 'get'>,
  tenantId: string,
  name: string,
): Promise<Model | undefined> {
  const [own, shared] = await standings.get([models.stream(tenantId, name), models.stream(PLATFORM, name)]);
  const platform = registered(shared);
  return registered(own) ?? (platform && isGrantedTo(platform, tenantId) ? platform : undefined);
}
