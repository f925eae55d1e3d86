// How a person is answered: as the tenant of the request sees them.

import { viewUser } from '#contracts/views.ts';
import type { UserView } from '#contracts/users.ts';
import type { MemberState } from '#events/member.ts';
import type { UserState } from '#events/user.ts';
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
  const email = showErased(await contents.open(userId, user.email)) as string;
  const name = showErased(await contents.open(userId, user.name)) as string | null;
  const { language, createdAt } = user;
  const hasAccount = user.hash !== null;
  const part = membership.status === 'absent' ? undefined : { ...membership.member, status: membership.status };
  const shown = { status, language, createdAt, hasAccount, email, name };
  return viewUser(userId, shown, part, permissions.has('platform'));
}
