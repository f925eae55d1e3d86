// Renaming a tenant: the new name is claimed, then it is the tenant's, then the old one is released. Each step may be repeated
// after a crash, and whoever claims a name while it changes hands gets it alone.

import { tenants, type TenantState } from '#events/tenant.ts';
import type { IfMatch } from '#platform/http/route.ts';
import type { CommandOrigin } from '../origin.ts';
import { notFound, runCommand } from '../run-command.ts';
import { decideRenameTenant } from './decide.ts';
import { claimName, claimOf, nameDigest, releaseName, type TenantNamePorts } from './tenant-name.ts';

export interface NewTenantName {
  readonly id: string;
  readonly name: string;
  readonly origin: CommandOrigin;
  readonly ifMatch: IfMatch | undefined;
}

/** Throws the problems `name-taken` and, for a tenant that is not, `not-found`. */
export async function renameTenant(ports: TenantNamePorts, { id, name, origin, ifMatch }: NewTenantName) {
  let old: { readonly name: string; readonly claimId: string } | undefined;
  const { repeatable } = origin;
  const done = await runCommand<TenantState, 'absent'>(ports, {
    aggregate: tenants,
    stream: tenants.stream(id),
    origin,
    ifMatch,
    refusals: { absent: notFound },
    async decide(state) {
      const moves = state.status !== 'absent' && nameDigest(state.name) !== nameDigest(name);
      const claimId = moves ? await claimOf(ports, id, state.name) : undefined;
      old = moves && claimId !== undefined ? { name: state.name, claimId } : undefined;
      if (moves) await claimName(ports, id, name, origin);
      return decideRenameTenant({ name, origin, repeatable }, state);
    },
  });
  if (old && done.outcome === 'appended') await releaseName(ports, old.claimId, old.name, origin);
  return done;
}
