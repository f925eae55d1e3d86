import type { KeyObject } from 'node:crypto';
import { v5 } from 'uuid';
import type { Origin } from '#events/create-event.ts';
import { PLATFORM } from '#events/model.ts';
import { logins } from '#events/login.ts';
import { type CommandPorts, runCommand } from '../run-command.ts';
import { decideUnlockLogin } from './decide.ts';
import { loginStreamOf } from './login-stream.ts';

export interface ReleasePorts extends CommandPorts {
  readonly serverKey: KeyObject;
}

export interface LoginRelease {
  readonly email: string;
  /** Of the command that this is a part of: it has written another event already. */
  readonly by: Origin;
}

/** Lets everybody try again who was locked out of the account of this address, on every replica. */
export async function releaseLogin(ports: ReleasePorts, { email, by }: LoginRelease): Promise<void> {
  const stream = loginStreamOf(ports.serverKey, email);
  const origin = { ...by, tenantId: PLATFORM, eventId: v5('unlocked', by.eventId), repeatable: false };
  await runCommand(ports, {
    aggregate: logins,
    stream,
    origin,
    refusals: {},
    decide: () => decideUnlockLogin(origin),
  });
}
