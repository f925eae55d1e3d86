// The first administrator of the platform. A password that Defter makes is shown on a terminal; otherwise it goes to a file
// that only the owner may read, before it is valid, and which is gone with the first sign-in.

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { v5 } from 'uuid';
import { newPasswordSchema } from '#contracts/people.ts';
import { PLATFORM } from '#events/model.ts';
import { users } from '#events/user.ts';
import { StartError } from '#platform/errors.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { writeSecretFile } from '#platform/files/write-secret-file.ts';
import { DEFAULT_TENANT } from './bootstrap.ts';
import { type AdminPorts, appointAdmin, givePassword } from './make-admin.ts';

const NAMESPACE = '4f6d2f0e-7e0f-5a53-9b7d-0a8f6f0f3a11';

/** The person whom a first start makes. */
export const FIRST_ADMIN_ID = v5('first admin', NAMESPACE);

export type FirstAdmin =
  /** By an earlier start. */
  | { readonly made: false }
  /** `password`: the one that Defter made; `file` is where it was written, when it was. */
  | {
      readonly made: true;
      readonly email: string;
      readonly password: string | undefined;
      readonly file: string | undefined;
    };

export interface FirstAdminOptions extends AdminPorts {
  readonly email: string;
  /** ADMIN_PASSWORD, when it is set. */
  readonly password: string | undefined;
  readonly dataDir: string;
  /** Whether a password that is made can be shown to a person. */
  readonly shown: boolean;
}

const fileIn = (dataDir: string) => join(dataDir, 'first-admin');

/** 144 random bits, for people to type. */
export const createPassword = (): string => randomBytes(18).toString('base64url');

/** Whether an earlier start has made them; the password comes last. */
async function hasFirstAdmin(store: EventStore): Promise<boolean> {
  const { state } = await loadState({ store, stream: users.stream(FIRST_ADMIN_ID), decider: users });
  return state.status !== 'absent' && state.user.hash !== null;
}

export async function makeFirstAdmin(options: FirstAdminOptions): Promise<FirstAdmin> {
  const { email, password: given, dataDir, shown, ...ports } = options;
  // The log itself is asked: what was made must not be made twice.
  if (await hasFirstAdmin(ports.store)) return { made: false };
  if (given !== undefined) await requireGood(ports.passwords, given, email);
  const eventId = v5('first start', NAMESPACE);
  const actor = { kind: 'system', id: 'defter' } as const;
  const origin = { eventId, commandId: eventId, correlationId: eventId, tenantId: PLATFORM, actor };
  const roles = { [PLATFORM]: 'platform-admin', [DEFAULT_TENANT]: 'admin' } as const;
  const { userId } = await appointAdmin(ports, { id: FIRST_ADMIN_ID, email, roles, origin });
  const password = given ?? createPassword();
  const file = given === undefined && !shown ? fileIn(dataDir) : undefined;
  if (file !== undefined) await writeSecretFile(file, `${email}\n${password}\n`);
  await givePassword(ports, { userId, password, mustChange: given === undefined, origin });
  return { made: true, email, password: given === undefined ? password : undefined, file };
}

async function requireGood(passwords: FirstAdminOptions['passwords'], given: string, email: string): Promise<void> {
  if (!newPasswordSchema.safeParse(given).success)
    throw new StartError('ADMIN_PASSWORD must have at least 12 and at most 256 characters.');
  if (await passwords.isCommon(given, email))
    throw new StartError('ADMIN_PASSWORD is among the passwords that are tried first: take another one.');
}

/** Removes what a first start left of the password that it made, once it has been used. */
export async function forgetFirstPassword(dataDir: string, userId: string): Promise<void> {
  if (userId === FIRST_ADMIN_ID) await rm(fileIn(dataDir), { force: true });
}
