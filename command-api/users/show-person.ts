// How a person is answered: as the tenant of the request sees them.

import { viewUser } from '#contracts/views.ts';
import type { UserView } from '#contracts/users.ts';
import type { MemberState } from '#events/member.ts';
import type { User, UserState } from '#events/user.ts';
import type { Present } from '#events/aggregate.ts';
import { type Contents, showErased } from '#platform/content/content.ts';
import type { Caller } from '#platform/http/route.ts';

export async function showPerson(
  contents: Pick<Contents, 'open'>,
  userId: string,
  { status, user }: Pick<Present<UserState>, 'status' | 'user'>,
  membership: MemberState,
  { permissions }: Pick<Caller, 'permissions'>,
): Promise<UserView> {
  const opened = async ({ email, name }: Pick<User, 'email' | 'name'>) => ({
    email: showErased(await contents.open(userId, email)) as string,
    name: showErased(await contents.open(userId, name)) as string | null,
  });
  const { language, createdAt } = user;
  const shown = { status, language, createdAt, ...(await opened(user)) };
  if (membership.status === 'absent') return viewUser(userId, shown, undefined, permissions.has('platform'));
  const { member, status: part } = membership;
  return viewUser(userId, shown, { ...member, status: part, ...(await opened(member)) }, permissions.has('platform'));
}
