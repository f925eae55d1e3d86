// Which role is in which tenant, and who may give it.

import { permissionsBeyond, type Role, ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import { problems } from '#contracts/problems.ts';
import { PLATFORM } from '#events/model.ts';
import { Problem } from '#platform/http/problem.ts';

/** Who looks after a tenant: each has one at least. */
export const isAdminRole = (role: string): boolean => role === 'admin' || role === 'platform-admin';

/** `platform-admin` is the one role of the tenant `platform`, and in no other. */
export const isRoleOf = (tenantId: string, role: Role): boolean =>
  (role === 'platform-admin') === (tenantId === PLATFORM);

/** Throws 422 for a role that the tenant does not have, 403 for one that holds more than its giver. */
export function requireMayGive(role: Role, tenantId: string, held: ReadonlySet<string>): void {
  const fault = (message: string) => [{ in: 'body' as const, pointer: '/role', message }];
  if (!isRoleOf(tenantId, role))
    throw new Problem(problems['invalid-request'], { errors: fault(`is not a role of the tenant ${tenantId}`) });
  const beyond = permissionsBeyond(ROLE_PERMISSIONS[role], held);
  if (beyond.length > 0)
    throw new Problem(problems.forbidden, {
      detail: 'You cannot give more than you hold.',
      errors: fault(`you lack ${beyond.join(', ')} yourself`),
    });
}

/** Throws 403 where someone holds by their role what whoever would change or take it lacks. */
export function requireMayTake(role: string, held: ReadonlySet<string>): void {
  const beyond = permissionsBeyond(ROLE_PERMISSIONS[role as Role], held);
  if (beyond.length > 0)
    throw new Problem(problems.forbidden, { detail: `They hold what you lack yourself: ${beyond.join(', ')}.` });
}
