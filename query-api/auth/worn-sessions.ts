import { sessions, sessionStands } from '#events/session.ts';
import { type Standing, standingKey } from '#events/standing.ts';
import { subjectOf } from '#events/streams.ts';
import { users } from '#events/user.ts';
import type { FreshDocuments } from '../freshness.ts';

/** Of one person; whoever signs in beyond it ends the oldest. */
const MOST_SESSIONS = 100;
/** Looked at in one go, the oldest first. */
const MOST_LISTED = MOST_SESSIONS + 50;

/** The ids of sessions that are on a person's list and go on no more, or are too many. */
export async function wornSessions(
  documents: Pick<FreshDocuments, 'range' | 'get'>,
  userId: string,
  now: number,
): Promise<readonly string[]> {
  const listed = (await documents.range(sessions.list(userId), { limit: MOST_LISTED })).map(({ member }) => member);
  const [person, ...found] = await documents.get([users.stream(userId), ...listed].map(standingKey));
  const user = person?.value as Standing | null | undefined;
  if (user?.of !== 'user') return [];
  const tooMany = listed.length - MOST_SESSIONS;
  return listed.flatMap((stream, i) => {
    const session = found[i]?.value as Standing | null | undefined;
    const id = subjectOf(stream);
    const stands = session?.of === 'session' && sessionStands(id, session.state, user.state, now);
    return stands && i >= tooMany ? [] : [id];
  });
}
