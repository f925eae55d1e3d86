// What a first start makes: the platform and the tenant `default`, its first key, and the models that come with the
// program. Everything has an id of its own for ever, so doing it again changes nothing.

import { v5 } from 'uuid';
import { PERMISSIONS } from '#contracts/permissions.ts';
import { apiKeys } from '#events/api-key.ts';
import type { Origin } from '#events/create-event.ts';
import { credentials } from '#events/credential.ts';
import { type ModelDefinition, PLATFORM, models } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import { hashApiKey } from '#platform/auth/api-key.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import { newId } from '#platform/new-id.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { decideIssueApiKey } from './api-keys/decide.ts';
import { createOnce } from './create-once.ts';
import { decideStoreCredential } from './credentials/decide.ts';
import { decideGrantModel, decideRegisterModel } from './models/decide.ts';
import { changeModel } from './models/routes.ts';
import { createTenant, type TenantPorts } from './tenants/create-tenant.ts';

const NAMESPACE = '5c1d7b54-2f7a-5a3e-9a2b-7d6a1f0b3c42';
const DEFTER = { kind: 'system', id: 'defter' } as const;

export const DEFAULT_TENANT = 'default';

/** The id of the key that a first start makes. */
export const FIRST_KEY_ID = v5('first-key', NAMESPACE);

function originOf(what: string, tenantId: string): Origin {
  const eventId = v5(what, NAMESPACE);
  return { eventId, commandId: eventId, tenantId, actor: DEFTER, correlationId: eventId };
}

/** Creates the tenants that are always there. */
export async function createFirstTenants(ports: TenantPorts): Promise<void> {
  for (const id of [PLATFORM, DEFAULT_TENANT]) {
    const created = await createTenant(ports, {
      id,
      name: id,
      origin: originOf(`tenant ${id}`, id),
      repeatable: true,
    });
    if (created === 'taken') throw new Error(`the name ${id} belongs to another tenant`);
  }
}

export interface KeyPorts {
  readonly store: EventStore;
  readonly standings: Standings<Standing>;
}

/** Issues a key with every permission to tenant `default`, unless its stream exists. Answers whether it was issued. */
export async function issueKey(ports: KeyPorts, id: string, name: string, key: string): Promise<boolean> {
  const stream = apiKeys.stream(id);
  if ((await ports.store.readStream(stream, { limit: 1 })).length > 0) return false;
  const [event] = decideIssueApiKey(
    {
      name,
      hash: hashApiKey(key),
      last4: key.slice(-4),
      scopes: [...PERMISSIONS],
      expiresAt: null,
      origin: originOf(`key ${id}`, DEFAULT_TENANT),
    },
    apiKeys.initial,
  );
  const { replayed } = await createOnce(ports.store, stream, event!, true);
  await ports.standings.refresh(stream);
  return !replayed;
}

/**
 * Registers a model of the platform's, anew if its definition has changed, and grants it when it has not been granted.
 * One that was retired stays retired. Answers whether the platform has it.
 */
export async function registerPlatformModel(
  ports: KeyPorts,
  definition: ModelDefinition,
  grantedTo: readonly string[],
): Promise<boolean> {
  const events = await readWholeStream(ports.store, models.stream(PLATFORM, definition.name));
  const before = events.reduce(models.evolve, models.initial);
  if (before.status === 'retired') return false;
  const origin = (): Origin => ({
    ...originOf(`model ${definition.name}`, PLATFORM),
    eventId: newId(),
    commandId: newId(),
  });
  await changeModel(ports, PLATFORM, definition.name, undefined, (state) =>
    decideRegisterModel({ definition, origin: origin() }, state),
  );
  // The server may have died between the two events.
  if (!events.some(({ type }) => type === 'ModelGranted'))
    await changeModel(ports, PLATFORM, definition.name, undefined, (state) =>
      decideGrantModel({ to: grantedTo, origin: origin() }, state),
    );
  return true;
}

/** A credential of the platform's whose value stays in the environment; answers its id. */
export async function storeEnvironmentCredential(ports: KeyPorts, variable: string): Promise<string> {
  const id = v5(`credential ${variable}`, NAMESPACE);
  const stream = credentials.stream(id);
  const origin = originOf(`credential ${variable}`, PLATFORM);
  const command = { name: variable, kind: 'openai', last4: '', secretId: null, environment: variable, origin } as const;
  const [event] = decideStoreCredential(command, credentials.initial);
  await createOnce(ports.store, stream, event!, true);
  await ports.standings.refresh(stream);
  return id;
}
