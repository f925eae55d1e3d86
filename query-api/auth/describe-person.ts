import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { users } from '#events/user.ts';
import { showErased } from '#platform/content/content.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { TokenBearer } from '../freshness.ts';
import { membershipsOf } from './memberships.ts';
import type { AuthQueryPorts } from './routes.ts';

/** What a person who is signed in is told of themselves. */
export async function describePerson({ standings, fresh, contents }: AuthQueryPorts, request: TokenBearer) {
  const { actor, tenantId, mustChangePassword } = request.caller;
  const memberships = await membershipsOf(await fresh.of(standingReadModel, request), actor.id);
  const ids = [tenantId, ...memberships.map((member) => member.tenantId)];
  const [user, ...found] = await standings.get([users.stream(actor.id), ...ids.map((id) => tenants.stream(id))]);
  if (user?.of !== 'user') throw new Error(`the person ${actor.id} was let in, but has no standing`);
  const { email, name, language } = user.state.user;
  const [shownEmail, shownName] = [await contents.open(actor.id, email), await contents.open(actor.id, name)];
  const [here = '', ...names] = found.map(nameOf);
  return {
    kind: 'user',
    id: actor.id,
    name: textOf(shownName),
    email: textOf(shownEmail),
    language,
    ...(mustChangePassword && { passwordChangeRequired: true }),
    tenant: { id: tenantId, name: here },
    tenants: memberships.map((member, i) => ({ id: member.tenantId, name: names[i] ?? '', role: member.role })),
  };
}

/** Empty while nobody has said one. */
function textOf(opened: unknown): string {
  const shown = showErased(opened);
  return typeof shown === 'string' ? shown : '';
}

const nameOf = (tenant: Standing | undefined): string => (tenant?.of === 'tenant' ? tenant.state.name : '');
