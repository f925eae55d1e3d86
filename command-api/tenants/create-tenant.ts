// Creating a tenant: its name is claimed, its key is made, and then it is. Each step may be repeated after a crash.

import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import type { Origin } from '#events/create-event.ts';
import type { Standing } from '#events/standing.ts';
import { tenantNames } from '#events/tenant-name.ts';
import { tenants } from '#events/tenant.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import type { Standings } from '#platform/standing/standings.ts';
import type { Keyring } from '#platform/vault/keyring.ts';
import { createOnce, findCreated } from '../create-once.ts';
import { decideClaimTenantName, decideCreateTenant } from './decide.ts';

export interface TenantPorts {
  readonly store: EventStore;
  readonly keyring: Pick<Keyring, 'createSubject'>;
  readonly standings: Standings<Standing>;
  readonly now: () => number;
}

export interface NewTenant {
  readonly id: string;
  readonly name: string;
  /** Its `tenantId` is the new tenant's. */
  readonly origin: Origin;
  readonly repeatable: boolean;
}

/** Names are unique without regard to case and width. */
const nameDigest = (name: string) => createHash('sha256').update(name.normalize('NFKC').toLowerCase()).digest('hex');

export async function createTenant(ports: TenantPorts, { id, name, origin, repeatable }: NewTenant) {
  // A key that was used for another name must not claim this one.
  if (repeatable) await findCreated(ports.store, tenants.stream(id), origin.eventId);
  // Two events of one command: each has an id of its own, and a repeat the same ones.
  const claim = await claimName(ports, id, name, { ...origin, eventId: v5('name claim', origin.eventId) });
  if (claim === 'taken') return 'taken';
  await ports.keyring.createSubject(id);
  const stream = tenants.stream(id);
  const [event] = decideCreateTenant({ name, origin }, tenants.initial);
  const created = await createOnce(ports.store, stream, event!, repeatable);
  const standing = await ports.standings.refresh(stream);
  return { standing: standing?.standing, writes: [claim, created], replayed: created.replayed };
}

async function claimName({ store, now }: TenantPorts, tenantId: string, name: string, origin: Origin) {
  const digest = nameDigest(name);
  const stream = tenantNames.stream(digest);
  const holderExists = async (holder: string) => {
    const tenant = (await store.readStream(tenants.stream(holder))).reduce(tenants.evolve, tenants.initial);
    return tenant.status === 'active' && nameDigest(tenant.name) === digest;
  };
  const claims = (await store.readStream(stream)).reduce(tenantNames.evolve, tenantNames.initial);
  const held = claims.status === 'claimed' && (await holderExists(claims.tenantId));
  let taken = false;
  const claim = await handleCommand({
    store,
    stream,
    decider: tenantNames,
    decide: (state) => {
      const decision = decideClaimTenantName({ tenantId, holderExists: held, now: now(), origin }, state);
      taken = decision === 'taken';
      return decision === 'taken' ? [] : decision;
    },
  });
  return taken ? ('taken' as const) : { stream, revision: claim.revision, position: claim.position };
}
