import { PERMISSIONS, type Role, ROLE_PERMISSIONS, ROLES } from '#contracts/permissions.ts';
import type { Standing } from '#events/standing.ts';

const ALL: ReadonlySet<string> = new Set(PERMISSIONS);
const BY_ROLE = new Map<string, ReadonlySet<string>>(
  ROLES.map((role: Role) => [role, new Set(ROLE_PERMISSIONS[role])]),
);

const roleOf = (member: Standing | undefined): string | undefined =>
  member?.of === 'member' && member.state.status === 'active' ? member.state.member.role : undefined;

/**
 * What a person may do in a tenant, by their membership there and the one in tenant `platform`, whose administrators may do
 * everything everywhere. Undefined where they have no part.
 */
export function heldPermissions(
  member: Standing | undefined,
  platformMember: Standing | undefined,
): ReadonlySet<string> | undefined {
  if (roleOf(platformMember) === 'platform-admin') return ALL;
  const role = roleOf(member);
  return role === undefined || role === 'platform-admin' ? undefined : BY_ROLE.get(role);
}
