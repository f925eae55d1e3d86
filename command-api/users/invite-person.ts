// Who signs in by an e-mail address: found, or made. The address is claimed first, then the person is; each step may be
// repeated after a crash.

import { v5 } from 'uuid';
import type { Origin } from '#events/create-event.ts';
import { invitations } from '#events/invitation.ts';
import { PLATFORM } from '#events/model.ts';
import { type User, users } from '#events/user.ts';
import type { Keyring } from '#platform/vault/keyring.ts';
import { claimEmail, type ClaimPorts } from '../logins/claim-email.ts';
import { runCommand } from '../run-command.ts';
import { decideAskInvitation, decideInviteUser } from './decide.ts';

export interface PersonPorts extends ClaimPorts {
  readonly keyring: Pick<Keyring, 'createSubject'>;
}

export interface InvitedPerson {
  /** The id of a person who is made. */
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly language: string;
  readonly origin: Origin & { readonly repeatable: boolean };
}

export interface FoundPerson {
  readonly userId: string;
  readonly status: 'invited' | 'active' | 'disabled';
  readonly user: User;
  readonly revision: number;
}

/** The person who signs in by this address; where there is none they are made, without an account. */
export async function invitePerson(ports: PersonPorts, person: InvitedPerson): Promise<FoundPerson> {
  const { keyring, contents } = ports;
  const { id, email, name, language } = person;
  // A person belongs to no tenant: what happens to them is the platform's.
  const origin = { ...person.origin, tenantId: PLATFORM };
  const userId = await whoIsMeant(ports, { id, email, origin });
  const { state, written } = await runCommand(ports, {
    aggregate: users,
    stream: users.stream(userId),
    origin: { ...origin, eventId: v5('invited', origin.eventId) },
    refusals: {},
    async decide(state) {
      if (state.status !== 'absent') return [];
      await keyring.createSubject(userId);
      const [sealedEmail, sealedName] = [await contents.seal(userId, email), await contents.seal(userId, name)];
      const by = { ...origin, eventId: v5('invited', origin.eventId) };
      return decideInviteUser({ email: sealedEmail, name: sealedName, language, origin: by }, state);
    },
  });
  if (state.status === 'absent') throw new Error(`${written.stream} is absent after the person was invited`);
  return {
    userId,
    status: state.status,
    user: state.user,
    revision: written.revision,
  };
}

/**
 * Who signs in by the address; `id` where nobody does. By a repeat whoever was meant the first time, though the address may
 * be another's by now. Throws 422 where the Idempotency-Key was used for another address.
 */
async function whoIsMeant(ports: PersonPorts, { id, email, origin }: Pick<InvitedPerson, 'id' | 'email' | 'origin'>) {
  const claim = async () => (await claimEmail(ports, { email, userId: id, origin })).userId;
  if (!origin.repeatable) return claim();
  const by = { ...origin, eventId: v5('asked', origin.eventId) };
  const { state } = await runCommand(ports, {
    aggregate: invitations,
    stream: invitations.stream(origin.commandId),
    origin: by,
    refusals: {},
    decide: async (before) => decideAskInvitation({ userId: await claim(), origin: by }, before),
  });
  if (state.userId === null) throw new Error(`the invitation ${origin.commandId} is of nobody`);
  return state.userId;
}
