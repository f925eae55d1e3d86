import type { KeyObject } from 'node:crypto';
import { v5 } from 'uuid';
import type { Origin } from '#events/create-event.ts';
import { PLATFORM } from '#events/model.ts';
import { logins } from '#events/login.ts';
import type { Attempts } from '#platform/attempts/attempts.ts';
import { type CommandPorts, runCommand } from '../run-command.ts';
import { decideUnlockLogin } from './decide.ts';
import { loginAccountOf, loginStreamOf } from './login-stream.ts';

export interface ReleasePorts extends CommandPorts {
  readonly attempts: Pick<Attempts, 'release'>;
  readonly serverKey: KeyObject;
}

export interface LoginRelease {
  readonly userId: string;
  readonly email: string;
  /** Of the command that this is a part of: it has written another event already. */
  readonly by: Origin;
}

/** Lets everybody try again who was locked out of this person's account. */
export async function releaseLogin(ports: ReleasePorts, { userId, email, by }: LoginRelease): Promise<void> {
  const stream = loginStreamOf(ports.serverKey, email);
  const origin = { ...by, tenantId: PLATFORM, eventId: v5('unlocked', by.eventId), repeatable: false };
  const { state } = await runCommand(ports, {
    aggregate: logins,
    stream,
    origin,
    refusals: {},
    decide: (before) => decideUnlockLogin(origin, before),
  });
  // Tries at the address are counted, and those of who is signed in at their own password.
  for (const account of [loginAccountOf(stream, state), userId]) await ports.attempts.release(account);
}
