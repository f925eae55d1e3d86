// Names of tenants are unique: each is claimed before a tenant bears it, and released when it bears another.

import { createHash } from 'node:crypto';
import { problems } from '#contracts/problems.ts';
import type { Origin } from '#events/create-event.ts';
import { tenantNames } from '#events/tenant-name.ts';
import { tenants } from '#events/tenant.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { Problem } from '#platform/http/problem.ts';
import { newId } from '#platform/new-id.ts';
import { type CommandPorts, runCommand, type Written } from '../run-command.ts';
import { decideClaimTenantName, decideReleaseTenantName } from './decide.ts';

/** What shows nothing tells no names apart. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Names are one without regard to case, width, spacing and what shows nothing. */
export const nameDigest = (name: string) =>
  createHash('sha256')
    .update(name.normalize('NFKC').replaceAll(INVISIBLE, '').replaceAll(/\s+/g, ' ').toLowerCase())
    .digest('hex');

const nameTaken = () =>
  new Problem(problems['name-taken'], {
    detail: 'Another tenant has this name.',
    errors: [{ in: 'body', pointer: '/name', message: 'is the name of another tenant' }],
  });

export interface TenantNamePorts extends CommandPorts {
  readonly now: () => number;
}

/** Whether a claim still holds is for its decider to say, so none is a repeat to the handler: each has an id of its own. */
const ownOrigin = (origin: Origin) => ({ ...origin, eventId: newId(), repeatable: false });

/** Throws the problem `name-taken`. */
export async function claimName(ports: TenantNamePorts, tenantId: string, name: string, by: Origin): Promise<Written> {
  const { store, now } = ports;
  const digest = nameDigest(name);
  const origin = ownOrigin(by);
  const bearsIt = async (holder: string) => {
    const { state } = await loadState({ store, stream: tenants.stream(holder), decider: tenants });
    return state.status !== 'absent' && nameDigest(state.name) === digest;
  };
  const { written } = await runCommand(ports, {
    aggregate: tenantNames,
    stream: tenantNames.stream(digest),
    origin,
    refusals: { taken: nameTaken },
    async decide(state) {
      const holderBearsIt = state.status === 'claimed' && (await bearsIt(state.tenantId));
      return decideClaimTenantName({ tenantId, holderBearsIt, now: now(), origin }, state);
    },
  });
  return written;
}

/** The claim that a tenant bears its name by; undefined where it has none. */
export async function claimOf({ store }: TenantNamePorts, tenantId: string, name: string): Promise<string | undefined> {
  const stream = tenantNames.stream(nameDigest(name));
  const { state } = await loadState({ store, stream, decider: tenantNames });
  return state.status === 'claimed' && state.tenantId === tenantId ? state.claimId : undefined;
}

/** Where the server dies before it, the name is free all the same, as its holder bears another. */
export async function releaseName(ports: TenantNamePorts, claimId: string, name: string, by: Origin): Promise<void> {
  const origin = ownOrigin(by);
  await runCommand(ports, {
    aggregate: tenantNames,
    stream: tenantNames.stream(nameDigest(name)),
    origin,
    refusals: {},
    decide: (state) => decideReleaseTenantName({ claimId, origin }, state),
  });
}
