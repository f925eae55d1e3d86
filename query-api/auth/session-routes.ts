import { problems } from '#contracts/problems.ts';
import { signInRoutes, type SessionView } from '#contracts/sign-in.ts';
import { isoTime } from '#contracts/views.ts';
import { type Session, sessionExpiresAt, sessions, sessionStands } from '#events/session.ts';
import { users } from '#events/user.ts';
import { ERASED, type Opened } from '#platform/content/content.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import { listStandings } from '../stored-list.ts';
import type { AuthQueryPorts } from './routes.ts';

export interface SessionQueryPorts extends AuthQueryPorts {
  readonly now: () => number;
}

export function createSessionRoutes({ standings, fresh, contents, now }: SessionQueryPorts): BoundRoute[] {
  /** From where it began, as far as it can still be read. */
  const originOf = async ({ userId, origin }: Session): Promise<Pick<SessionView, 'address' | 'client'>> => {
    const opened: Opened | undefined =
      origin === null
        ? undefined
        : await contents.open(userId, { keyId: origin.keyId, sealed: origin.sealed, blob: null, bytes: 0 });
    if (opened === undefined || opened === ERASED) return { address: null, client: null };
    const { address, client } = opened as { readonly address: string; readonly client: string | null };
    return { address, client };
  };

  return bindRoutes(signInRoutes, 'query', {
    listMySessions: async (request) => {
      const { actor, sessionId } = request.caller;
      if (actor.kind !== 'user')
        throw new Problem(problems.forbidden, { detail: 'An API key has no sessions; people do.' });
      const documents = await fresh.of(standingReadModel, request);
      const [user] = await standings.get([users.stream(actor.id)]);
      const { items, next } = await listStandings(documents, sessions.list(actor.id), request.query);
      const data: SessionView[] = [];
      for (const { id, standing } of items) {
        if (standing.of !== 'session' || user?.of !== 'user') continue;
        // What a new password ended is on the list until its own end.
        if (!sessionStands(id, standing.state, user.state, now())) continue;
        const { session } = standing.state;
        data.push({
          id,
          object: 'session',
          current: id === sessionId,
          startedAt: isoTime(session.startedAt),
          refreshedAt: isoTime(session.refreshedAt),
          expiresAt: isoTime(sessionExpiresAt(session)),
          ...(await originOf(session)),
        });
      }
      return { status: 200, body: { object: 'list', data, next } };
    },
  });
}
