import { userRoutes } from '#contracts/users.ts';
import { revisionOfUser, viewUser } from '#contracts/views.ts';
import type { UserView } from '#contracts/users.ts';
import { members } from '#events/member.ts';
import { type User, users } from '#events/user.ts';
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

  const opened = async (id: string, { email, name }: Pick<User, 'email' | 'name'>) => ({
    email: showErased(await contents.open(id, email)) as string,
    name: showErased(await contents.open(id, name)) as string | null,
  });

  const viewOf = async (
    id: string,
    stored: StoredStanding | undefined,
    membership: StoredStanding | undefined,
    { permissions }: Caller,
  ): Promise<UserView | undefined> => {
    if (stored?.standing.of !== 'user') return undefined;
    const { status, user } = stored.standing.state;
    const part = membership?.standing.of === 'member' ? membership.standing.state : undefined;
    const { language, createdAt } = user;
    const shown = { status, language, createdAt, ...(await opened(id, user)) };
    const shownPart = part && { ...part.member, status: part.status, ...(await opened(id, part.member)) };
    return viewUser(id, shown, shownPart, permissions.has('platform'));
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
    const seesAll = caller.permissions.has('platform');
    if (!stored || !view || (view.membership === null && !seesAll)) throw notFound();
    const member = part?.standing.of === 'member' ? part.standing.state : undefined;
    const membership = part && member && { status: member.status, revision: part.revision };
    const etag = etagOf(revisionOfUser(stored.revision, membership, seesAll));
    return { status: 200, headers: { etag }, body: view };
  };

  return bindRoutes(userRoutes, 'query', { listUsers, getUser });
}
