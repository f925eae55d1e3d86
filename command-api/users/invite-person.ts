// Who signs in by an e-mail address: found, or made. The address is claimed first, then the person is; each step may be
// repeated after a crash.

import { v5 } from 'uuid';
import type { Origin } from '#events/create-event.ts';
import { PLATFORM } from '#events/model.ts';
import { type User, users } from '#events/user.ts';
import type { Keyring } from '#platform/vault/keyring.ts';
import { claimEmail, type ClaimPorts } from '../logins/claim-email.ts';
import { runCommand, type Written } from '../run-command.ts';
import { decideInviteUser } from './decide.ts';

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
  readonly written: readonly Written[];
}

/** The person who signs in by this address; where there is none they are made, without an account. */
export async function invitePerson(ports: PersonPorts, person: InvitedPerson): Promise<FoundPerson> {
  const { keyring, contents } = ports;
  const { id, email, name, language } = person;
  // A person belongs to no tenant: what happens to them is the platform's.
  const origin = { ...person.origin, tenantId: PLATFORM };
  // By a repeat the address may be another's by now: who was made the first time is meant all the same.
  const isMade = origin.repeatable && (await ports.store.readStream(users.stream(id), { limit: 1 })).length > 0;
  const claim = isMade ? undefined : await claimEmail(ports, { email, userId: id, origin });
  const userId = claim?.userId ?? id;
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
    written: claim ? [claim.written, written] : [written],
  };
}
