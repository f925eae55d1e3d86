import { userRoutes } from '#contracts/users.ts';
import { viewUser } from '#contracts/views.ts';
import type { UserView } from '#contracts/users.ts';
import { members } from '#events/member.ts';
import { users } from '#events/user.ts';
import { type Contents, showErased } from '#platform/content/content.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type BoundRoute, type Caller, etagOf, type Handler } from '#platform/http/route.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { TokenBearer } from '../freshness.ts';
import { notFound } from '../not-found.ts';
import { type Listed, listStandings } from '../stored-list.ts';
import { createStandingReader, type StandingPorts, type StoredStanding } from '../stored-one.ts';

export interface UserQueryPorts extends StandingPorts {
  readonly contents: Pick<Contents, 'open'>;
}

export function createUserRoutes({ contents, ...ports }: UserQueryPorts): BoundRoute[] {
  const readStandings = createStandingReader(ports);

  const viewOf = async (
    id: string,
    stored: StoredStanding | undefined,
    membership: StoredStanding | undefined,
    { permissions }: Caller,
  ): Promise<UserView | undefined> => {
    if (stored?.standing.of !== 'user') return undefined;
    const { status, user } = stored.standing.state;
    const part = membership?.standing.of === 'member' ? membership.standing.state : undefined;
    const email = showErased(await contents.open(id, user.email)) as string;
    const name = showErased(await contents.open(id, user.name)) as string | null;
    const { language, createdAt } = user;
    const shown = { status, language, createdAt, hasAccount: user.hash !== null, email, name };
    return viewUser(id, shown, part && { ...part.member, status: part.status }, permissions.has('platform'));
  };

  const viewsOf = async (request: TokenBearer, listed: readonly Listed[]): Promise<UserView[]> => {
    const parts = listed.flatMap((one) =>
      one.standing.of === 'member' ? [{ userId: one.standing.state.member.userId, part: one }] : [],
    );
    const stored = await readStandings(
      request,
      parts.map(({ userId }) => users.stream(userId)),
    );
    const views = await Promise.all(
      parts.map(({ userId, part }, i) => viewOf(userId, stored[i], part, request.caller)),
    );
    return views.filter((view) => view !== undefined);
  };

  const listUsers: Handler<typeof userRoutes.listUsers> = async (request) => {
    const { membership, ...page } = request.query;
    const documents = await ports.fresh.of(standingReadModel, request);
    const { items, next } = await listStandings(documents, members.list(request.caller.tenantId), page);
    const wanted = items.filter(
      ({ standing }) => standing.of === 'member' && (membership ?? standing.state.status) === standing.state.status,
    );
    return { status: 200, body: { object: 'list', data: await viewsOf(request, wanted), next } };
  };

  const getUser: Handler<typeof userRoutes.getUser> = async (request) => {
    const { caller, params } = request;
    const [stored, part] = await readStandings(request, [
      users.stream(params.id),
      members.stream(caller.tenantId, params.id),
    ]);
    const view = await viewOf(params.id, stored, part, caller);
    const mayRead = view?.membership != null || caller.permissions.has('platform');
    if (!stored || !view || !mayRead) throw notFound();
    return { status: 200, headers: { etag: etagOf(stored.revision + (part?.revision ?? 0)) }, body: view };
  };

  return bindRoutes(userRoutes, 'query', { listUsers, getUser });
}
