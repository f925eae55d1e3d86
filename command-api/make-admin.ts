// Makes someone an administrator without asking anyone: at the first start, and from the shell. Each step may be repeated
// after a crash. The password comes last: who has one is made.

import { v5 } from 'uuid';
import { emailSchema } from '#contracts/email.ts';
import type { Role } from '#contracts/permissions.ts';
import type { Origin } from '#events/create-event.ts';
import { members } from '#events/member.ts';
import { PLATFORM } from '#events/model.ts';
import { users } from '#events/user.ts';
import type { Passwords } from '#platform/auth/passwords.ts';
import { StartError } from '#platform/errors.ts';
import { decideGivePassword } from './auth/decide.ts';
import { decideAppoint } from './members/decide.ts';
import { addAdmin, unbarAdmin } from './members/keep-admins.ts';
import { runCommand } from './run-command.ts';
import { type FoundPerson, invitePerson, type PersonPorts } from './users/invite-person.ts';

export interface AdminPorts extends PersonPorts {
  readonly passwords: Pick<Passwords, 'hash' | 'isCommon'>;
  readonly now: () => number;
}

export interface AdminAppointment {
  /** The id of a person who is made. */
  readonly id: string;
  readonly email: string;
  /** By tenant; each is one of its administrators. */
  readonly roles: Readonly<Record<string, Role>>;
  /** Its event's id is what those of all steps are derived from. */
  readonly origin: Origin;
}

/** Finds or makes the person of this address, and appoints them. Throws `StartError` for what is no address. */
export async function appointAdmin(
  ports: AdminPorts,
  { id, email, roles, origin }: AdminAppointment,
): Promise<FoundPerson> {
  if (!emailSchema.safeParse(email).success)
    throw new StartError(`${email} is no e-mail address that one could sign in by.`);
  const by = { ...origin, repeatable: false };
  const person = await invitePerson(ports, { id, email, name: null, language: 'en', origin: by });
  const { userId } = person;
  const { email: sealedEmail, name, language } = person.user;
  // The password that follows enables them.
  if (person.status === 'disabled') await unbarAdmin(ports, { userId, origin });
  for (const [tenantId, role] of Object.entries(roles)) {
    const appointing = { ...by, tenantId, eventId: v5(`${role} of ${tenantId}`, origin.eventId) };
    await addAdmin(ports, { tenantId, userId, origin: appointing });
    await runCommand(ports, {
      aggregate: members,
      stream: members.stream(tenantId, userId),
      origin: appointing,
      refusals: {},
      decide: (state) =>
        state.status === 'active' && state.member.role === role
          ? []
          : decideAppoint(true, {
              userId,
              role,
              email: sealedEmail,
              name,
              language,
              now: ports.now(),
              origin: appointing,
            }),
    });
  }
  return person;
}

export interface GivenPassword {
  readonly userId: string;
  readonly password: string;
  /** Whether it is good only for setting another one. */
  readonly mustChange: boolean;
  readonly origin: Origin;
}

/** Gives someone a password, and with it an account if they have none. */
export async function givePassword(
  ports: AdminPorts,
  { userId, password, mustChange, origin }: GivenPassword,
): Promise<void> {
  const { contents, passwords } = ports;
  const hash = await contents.seal(userId, await passwords.hash(password));
  const name = await contents.seal(userId, 'Administrator');
  await runCommand(ports, {
    aggregate: users,
    stream: users.stream(userId),
    origin: { ...origin, repeatable: false },
    refusals: {},
    decide: (state) => decideGivePassword({ name, hash, mustChange, origin: { ...origin, tenantId: PLATFORM } }, state),
  });
}
