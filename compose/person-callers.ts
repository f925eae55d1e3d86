import { problems } from '#contracts/problems.ts';
import { members } from '#events/member.ts';
import { PLATFORM } from '#events/model.ts';
import { sessions, sessionStands } from '#events/session.ts';
import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { users } from '#events/user.ts';
import type { AccessClaims } from '#platform/auth/access-token.ts';
import { type Authentication, refused } from '#platform/auth/authenticate.ts';
import { tenantSuspended } from '#platform/http/permission.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { heldPermissions } from './held-permissions.ts';
import { EVERYWHERE, limitsOf } from './key-callers.ts';

const NOTHING: ReadonlySet<string> = new Set();

/** Answers who calls with an access token whose signature was right. */
export function createPersonCallers(standings: Pick<Standings<Standing>, 'get'>) {
  const permissionsIn = async (userId: string, tenantId: string): Promise<ReadonlySet<string> | undefined> => {
    const [tenant, member, platformMember] = await standings.get([
      tenants.stream(tenantId),
      members.stream(tenantId, userId),
      members.stream(PLATFORM, userId),
    ]);
    const held = tenant?.of === 'tenant' ? heldPermissions(member, platformMember) : undefined;
    const reason = suspensionOf(tenant, held);
    if (reason !== undefined) throw tenantSuspended(reason, problems);
    return held;
  };

  return async (
    { userId, sessionId, tenantId: own }: AccessClaims,
    asked: string | undefined,
    now: number,
  ): Promise<Authentication> => {
    const tenantId = asked ?? own;
    const [session, user, tenant, member, platformMember] = await standings.get([
      sessions.stream(sessionId),
      users.stream(userId),
      tenants.stream(tenantId),
      members.stream(tenantId, userId),
      members.stream(PLATFORM, userId),
    ]);
    const isTheirs = session?.of === 'session' && session.state.session.userId === userId;
    if (!isTheirs || user?.of !== 'user' || !sessionStands(sessionId, session.state, user.state, now))
      return refused('session-ended');
    const held = tenant?.of === 'tenant' ? heldPermissions(member, platformMember) : undefined;
    // Who has lost the tenant that the token names can still ask who they are, and sign out.
    if (held === undefined && asked !== undefined) return refused('no-part');
    const reason = suspensionOf(tenant, held);
    return {
      ok: true,
      caller: {
        tenantId,
        actor: { kind: 'user', id: userId },
        holder: userId,
        permissions: held ?? NOTHING,
        permissionsIn: (other) => permissionsIn(userId, other),
        ...limitsOf(null, tenant),
        sessionId,
        ...(reason !== undefined && { suspended: reason }),
        ...(user.state.user.mustChangePassword && { mustChangePassword: true }),
      },
    };
  };
}

/** Why who holds this may not act in the tenant now. */
function suspensionOf(tenant: Standing | undefined, held: ReadonlySet<string> | undefined): string | undefined {
  if (tenant?.of !== 'tenant' || tenant.state.status !== 'suspended' || held?.has(EVERYWHERE)) return undefined;
  return tenant.state.reason ?? '';
}
