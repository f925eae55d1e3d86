// Creating a tenant: its name is claimed, its key is made, and then it is. Each step may be repeated after a crash.

import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import { problems } from '#contracts/problems.ts';
import type { Origin } from '#events/create-event.ts';
import { tenantNames } from '#events/tenant-name.ts';
import { tenants } from '#events/tenant.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Keyring } from '#platform/vault/keyring.ts';
import { type CommandPorts, runCommand, type Written } from '../run-command.ts';
import { decideClaimTenantName, decideCreateTenant } from './decide.ts';

export interface TenantPorts extends CommandPorts {
  readonly keyring: Pick<Keyring, 'createSubject'>;
  readonly now: () => number;
}

export interface NewTenant {
  readonly id: string;
  readonly name: string;
  /** Its `tenantId` is the new tenant's. */
  readonly origin: Origin & { readonly repeatable: boolean };
}

const nameTaken = () =>
  new Problem(problems['name-taken'], {
    detail: 'Another tenant has this name.',
    errors: [{ in: 'body', pointer: '/name', message: 'is the name of another tenant' }],
  });

/** Names are unique without regard to case and width. */
const nameDigest = (name: string) => createHash('sha256').update(name.normalize('NFKC').toLowerCase()).digest('hex');

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

async function claimName(ports: TenantPorts, tenantId: string, name: string, by: NewTenant['origin']) {
  const { store, now } = ports;
  const digest = nameDigest(name);
  const stream = tenantNames.stream(digest);
  // Two events of one command: each has an id of its own, and a repeat the same ones. Whether the claim still holds is
  // for its decider to say, so it is no repeat to the handler.
  const origin = { ...by, eventId: v5('name claim', by.eventId), repeatable: false };
  const holderExists = async (holder: string) => {
    const { state } = await loadState({ store, stream: tenants.stream(holder), decider: tenants });
    return state.status === 'active' && nameDigest(state.name) === digest;
  };
  const { written } = await runCommand(ports, {
    aggregate: tenantNames,
    stream,
    origin,
    refusals: { taken: nameTaken },
    async decide(state) {
      const held = state.status === 'claimed' && (await holderExists(state.tenantId));
      return decideClaimTenantName({ tenantId, holderExists: held, now: now(), origin }, state);
    },
  });
  return written;
}
