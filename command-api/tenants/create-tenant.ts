// Creating a tenant: its name is claimed, its key is made, and then it is. Each step may be repeated after a crash.

import type { Origin } from '#events/create-event.ts';
import { tenants } from '#events/tenant.ts';
import type { Keyring } from '#platform/vault/keyring.ts';
import { runCommand, type Written } from '../run-command.ts';
import { decideCreateTenant } from './decide.ts';
import { claimName, type TenantNamePorts } from './tenant-name.ts';

export interface TenantPorts extends TenantNamePorts {
  readonly keyring: Pick<Keyring, 'createSubject'>;
}

export interface NewTenant {
  readonly id: string;
  readonly name: string;
  /** Its `tenantId` is the new tenant's. */
  readonly origin: Origin & { readonly repeatable: boolean };
}

/** Throws the problem `name-taken`. */
export async function createTenant(ports: TenantPorts, { id, name, origin }: NewTenant) {
  let claim: Written | undefined;
  const done = await runCommand(ports, {
    aggregate: tenants,
    stream: tenants.stream(id),
    origin,
    refusals: {},
    async decide(state) {
      if (state.status !== 'absent') return [];
      // Asked again after a conflict: the name is claimed already.
      claim ??= await claimName(ports, id, name, origin);
      await ports.keyring.createSubject(id);
      return decideCreateTenant({ name, origin }, state);
    },
  });
  if (done.state.status === 'absent') throw new Error(`${done.written.stream} is absent after it was created`);
  return { ...done, tenant: done.state, claims: claim ? [claim] : [] };
}
