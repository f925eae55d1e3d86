// A role in a tenant is given, changed and taken. Whoever it makes or unmakes an administrator is first put on the list of
// them, or off it.

import type { Origin } from '#events/create-event.ts';
import { type MemberState, members } from '#events/member.ts';
import { users } from '#events/user.ts';
import type { Decision } from '#platform/event-store/handle-command.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { type CommandPorts, notFound, runCommand } from '../run-command.ts';
import { decideAppoint, decideRemoveMember, decideSetRole } from './decide.ts';
import { actsAsAdmin, addAdmin, removeAdmin } from './keep-admins.ts';
import { isAdminRole, requireMayTake } from './roles.ts';

export interface RoleChange {
  readonly tenantId: string;
  readonly userId: string;
  readonly role: string;
  /** What whoever asks holds in the tenant: nobody changes or takes a role that holds more. */
  readonly held: ReadonlySet<string>;
  /** Whether someone without a part in the tenant may be given one. */
  readonly mayAppoint: boolean;
  readonly now: number;
  /** Its `tenantId` is the tenant's. */
  readonly origin: Origin & { readonly repeatable: boolean };
}

/** Throws the problems `not-found` and `last-admin`. */
export async function setRole(ports: CommandPorts, change: RoleChange) {
  const { tenantId, userId, role, held, mayAppoint, now, origin } = change;

  const appoint = async (): Promise<Decision<'not-found'>> => {
    const { store, snapshots } = ports;
    const { state } = await loadState({ store, snapshots, stream: users.stream(userId), decider: users });
    if (!mayAppoint || state.status === 'absent') return 'not-found';
    const hasAccount = state.user.hash !== null;
    if (hasAccount && isAdminRole(role)) await addAdmin(ports, change);
    const { email, name, language } = state.user;
    return decideAppoint(hasAccount, { userId, role, email, name, language, now, origin });
  };

  return runCommand(ports, {
    aggregate: members,
    stream: members.stream(tenantId, userId),
    origin,
    refusals: { 'not-found': notFound },
    async decide(state: MemberState) {
      if (state.status === 'absent' || state.status === 'revoked') return appoint();
      // An offer holds nothing yet: to make it less is nobody's loss.
      if (state.status === 'active') requireMayTake(state.member.role, held);
      let anew = false;
      if (state.status === 'active' && isAdminRole(role)) {
        anew = !(await actsAsAdmin(ports, tenantId, userId));
        await addAdmin(ports, change);
      } else if (state.status === 'active' && isAdminRole(state.member.role)) await removeAdmin(ports, change);
      return decideSetRole({ role, anew, origin }, state);
    },
  });
}

export interface Removal extends Pick<RoleChange, 'tenantId' | 'userId' | 'held' | 'origin'> {
  /** The ids of the API keys that they made in the tenant. */
  readonly keysLeft: () => Promise<readonly string[]>;
}

/** Throws the problems `not-found` and `last-admin`. */
export const removeMember = (ports: CommandPorts, removal: Removal) =>
  runCommand(ports, {
    aggregate: members,
    stream: members.stream(removal.tenantId, removal.userId),
    origin: removal.origin,
    refusals: { 'not-found': notFound },
    async decide(state: MemberState) {
      if (state.status === 'active') {
        requireMayTake(state.member.role, removal.held);
        if (isAdminRole(state.member.role)) await removeAdmin(ports, removal);
      }
      const { origin } = removal;
      return decideRemoveMember({ keys: await removal.keysLeft(), origin, repeatable: origin.repeatable }, state);
    },
  });
