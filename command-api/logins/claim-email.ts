// An e-mail address as the name that one signs in by is claimed before anyone has it: two people cannot have one.

import type { KeyObject } from 'node:crypto';
import { v5 } from 'uuid';
import { normaliseEmail } from '#contracts/email.ts';
import type { Origin } from '#events/create-event.ts';
import { logins } from '#events/login.ts';
import { PLATFORM } from '#events/model.ts';
import { users } from '#events/user.ts';
import type { Contents } from '#platform/content/content.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { type CommandPorts, runCommand } from '../run-command.ts';
import { decideClaimEmail } from './decide.ts';
import { loginStreamOf } from './login-stream.ts';

export interface ClaimPorts extends CommandPorts {
  readonly contents: Contents;
  readonly serverKey: KeyObject;
}

export interface EmailClaim {
  readonly email: string;
  readonly userId: string;
  readonly origin: Origin;
}

/** Claims an address for a person, and answers whose it is: theirs, or another's who holds it already. */
export async function claimEmail(ports: ClaimPorts, { email, userId, origin: by }: EmailClaim) {
  // An event of a command that writes others too. Whether the claim holds is for its decider to say, so to the handler it
  // is no repeat.
  const origin = { ...by, tenantId: PLATFORM, eventId: v5(`claim for ${userId}`, by.eventId), repeatable: false };
  const { state, written } = await runCommand(ports, {
    aggregate: logins,
    stream: loginStreamOf(ports.serverKey, email),
    origin,
    refusals: {},
    async decide(state) {
      const isHeld = state.userId !== null && state.userId !== userId && (await holdsClaim(ports, state.userId, email));
      return decideClaimEmail({ userId, isHeld, origin }, state);
    },
  });
  return { userId: state.userId ?? userId, written };
}

/**
 * Whether a claim still stands for its claimant. One who is absent was about to be made: whoever comes next makes them. A
 * claim of an address that its claimant has left, or never came to have, is good no more.
 */
async function holdsClaim({ store, snapshots, contents }: ClaimPorts, userId: string, email: string) {
  const { state } = await loadState({ store, snapshots, stream: users.stream(userId), decider: users });
  if (state.status === 'absent') return true;
  const { user } = state;
  const wanted = normaliseEmail(email);
  for (const sealed of [user.email, user.emailChange?.email]) {
    const opened = sealed && (await contents.open(userId, sealed));
    if (typeof opened === 'string' && normaliseEmail(opened) === wanted) return true;
  }
  return false;
}
