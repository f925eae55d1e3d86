import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { v5 } from 'uuid';

const NAMESPACE = '4f6d2f0e-7e0f-5a53-9b7d-0a8f6f0f3a11';

/** The person whom a first start makes. */
export const FIRST_ADMIN_ID = v5('first admin', NAMESPACE);

const fileIn = (dataDir: string) => join(dataDir, 'first-admin');

/** Removes what a first start left of the password that it made, once it has been used. */
export async function forgetFirstPassword(dataDir: string, userId: string): Promise<void> {
  if (userId === FIRST_ADMIN_ID) await rm(fileIn(dataDir), { force: true });
}
