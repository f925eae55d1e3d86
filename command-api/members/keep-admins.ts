// Keeps who administers a tenant, before the membership's own event makes or unmakes them one: of two who would take the
// role from each other at once, one is refused.

import { v5 } from 'uuid';
import { problems } from '#contracts/problems.ts';
import { admins } from '#events/admins.ts';
import type { Origin } from '#events/create-event.ts';
import { members } from '#events/member.ts';
import { PLATFORM } from '#events/model.ts';
import { users } from '#events/user.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import { Problem } from '#platform/http/problem.ts';
import { type CommandPorts, runCommand } from '../run-command.ts';
import { decideAddAdmin, decideBarAdmin, decideRemoveAdmin, decideUnbarAdmin } from './decide.ts';
import { isAdminRole } from './roles.ts';

export interface AdminOf {
  readonly tenantId: string;
  readonly userId: string;
  /** Of the command to the membership. */
  readonly origin: Origin;
}

const lastAdmin = () =>
  new Problem(problems['last-admin'], {
    detail: 'The tenant would have no administrator left; make another one first.',
  });

const areDisabled = () =>
  new Problem(problems.conflict, {
    detail: 'They are disabled and cannot administer the platform; enable them first.',
  });

const isPlatformAdmin = () =>
  new Problem(problems['is-platform-admin'], { detail: 'They are a platform administrator: take the role first.' });

/** To the handler it is no repeat: whether something is to be written the decider says. */
const ownOrigin = (what: string, { tenantId, origin }: AdminOf) => ({
  ...origin,
  tenantId,
  eventId: v5(what, origin.eventId),
  repeatable: false,
});

/**
 * Adds someone whom an event to come, of their membership, makes an administrator. Throws the problem `conflict` where that
 * is the platform's, and they are disabled.
 */
export async function addAdmin(ports: CommandPorts, admin: AdminOf): Promise<void> {
  const origin = ownOrigin('admin added', admin);
  const { tenantId, userId } = admin;
  await runCommand(ports, {
    aggregate: admins,
    stream: admins.stream(tenantId),
    origin,
    refusals: { barred: areDisabled },
    decide: (state) => decideAddAdmin({ userId, origin }, state),
  });
}

/**
 * Keeps someone off the platform's list whom an event to come, of their own, disables. Without that, who is disabled and
 * made an administrator at once would count as one for whoever takes the role from the others in between. Throws the
 * problem `is-platform-admin`.
 */
export async function barAdmin(ports: CommandPorts, { userId, origin: by }: Omit<AdminOf, 'tenantId'>): Promise<void> {
  const origin = ownOrigin('admin barred', { tenantId: PLATFORM, userId, origin: by });
  await runCommand(ports, {
    aggregate: admins,
    stream: admins.stream(PLATFORM),
    origin,
    refusals: { 'is-platform-admin': isPlatformAdmin },
    decide: (state) => decideBarAdmin({ userId, origin }, state),
  });
}

/** Lets someone on the platform's list again whom an event to come, of their own, enables. */
export async function unbarAdmin(
  ports: CommandPorts,
  { userId, origin: by }: Omit<AdminOf, 'tenantId'>,
): Promise<void> {
  const origin = ownOrigin('admin unbarred', { tenantId: PLATFORM, userId, origin: by });
  const { store, snapshots } = ports;
  await runCommand(ports, {
    aggregate: admins,
    stream: admins.stream(PLATFORM),
    origin,
    refusals: {},
    async decide(state) {
      const user = await loadState({ store, snapshots, stream: users.stream(userId), decider: users });
      return decideUnbarAdmin({ userId, isDisabled: user.state.status === 'disabled', origin }, state);
    },
  });
}

/** Removes someone whom an event to come, of their membership, makes one no more. Throws the problem `last-admin`. */
export async function removeAdmin(ports: CommandPorts, admin: AdminOf): Promise<void> {
  const origin = ownOrigin('admin removed', admin);
  const { tenantId, userId } = admin;
  await runCommand(ports, {
    aggregate: admins,
    stream: admins.stream(tenantId),
    origin,
    refusals: { 'last-admin': lastAdmin },
    async decide(state) {
      const anotherStays = state.userIds.includes(userId) && (await anotherActs(ports, admin));
      return decideRemoveAdmin({ userId, anotherStays, origin }, state);
    },
  });
}

async function anotherActs(ports: CommandPorts, { tenantId, userId }: AdminOf): Promise<boolean> {
  for (const [other, added] of await addedAt(ports, tenantId))
    if (other !== userId && (await actsSince(ports, tenantId, other, added))) return true;
  return false;
}

/** Whether someone can administer the tenant now. */
export async function actsAsAdmin(ports: CommandPorts, tenantId: string, userId: string): Promise<boolean> {
  const added = (await addedAt(ports, tenantId)).get(userId);
  return added !== undefined && actsSince(ports, tenantId, userId, added);
}

/**
 * Whether someone on the list is an administrator by their membership, and not disabled. Their membership must have said so
 * after they were added: what was decided about them before that, and is yet to be written, then meets a conflict and is
 * decided again.
 */
async function actsSince({ store, snapshots }: CommandPorts, tenantId: string, userId: string, added: bigint) {
  const member = await loadState({ store, snapshots, stream: members.stream(tenantId, userId), decider: members });
  if (member.state.status !== 'active' || !isAdminRole(member.state.member.role)) return false;
  if (member.position < added) return false;
  const user = await loadState({ store, snapshots, stream: users.stream(userId), decider: users });
  return user.state.status === 'active';
}

/** The positions at which those on the list were added. */
async function addedAt({ store }: CommandPorts, tenantId: string): Promise<ReadonlyMap<string, bigint>> {
  const added = new Map<string, bigint>();
  for (const event of await readWholeStream(store, admins.stream(tenantId))) {
    if (!admins.owns(event)) continue;
    if (event.type === 'AdminAdded') added.set(event.data.userId, event.position);
    if (event.type === 'AdminRemoved') added.delete(event.data.userId);
  }
  return added;
}
