// What a first start makes: the platform and the tenant `default`, its first key, and the models that come with the
// program. Everything has an id of its own for ever, so doing it again changes nothing.

import { v5 } from 'uuid';
import { PERMISSIONS } from '#contracts/permissions.ts';
import { problems } from '#contracts/problems.ts';
import { apiKeys } from '#events/api-key.ts';
import type { Origin } from '#events/create-event.ts';
import { credentials } from '#events/credential.ts';
import { type ModelDefinition, models, type ModelState, PLATFORM } from '#events/model.ts';
import { hashApiKey } from '#platform/auth/api-key.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import { Problem } from '#platform/http/problem.ts';
import { newId } from '#platform/new-id.ts';
import { decideIssueApiKey } from './api-keys/decide.ts';
import { decideStoreCredential } from './credentials/decide.ts';
import { decideGrantModel, decideRegisterModel } from './models/decide.ts';
import { type CommandPorts, runCommand } from './run-command.ts';
import { createTenant, type TenantPorts } from './tenants/create-tenant.ts';

const NAMESPACE = '5c1d7b54-2f7a-5a3e-9a2b-7d6a1f0b3c42';
const DEFTER = { kind: 'system', id: 'defter' } as const;

export const DEFAULT_TENANT = 'default';

/** The id of the key that a first start makes. */
export const FIRST_KEY_ID = v5('first-key', NAMESPACE);

const originOf = (what: string, tenantId: string, eventId = v5(what, NAMESPACE)): Origin => ({
  eventId,
  commandId: eventId,
  tenantId,
  actor: DEFTER,
  correlationId: eventId,
});

/** Creates the tenants that are always there. */
export async function createFirstTenants(ports: TenantPorts): Promise<void> {
  for (const id of [PLATFORM, DEFAULT_TENANT]) {
    await createTenant(ports, { id, name: id, origin: { ...originOf(`tenant ${id}`, id), repeatable: true } });
  }
}

/** Issues a key with every permission to tenant `default`, unless its stream exists. Answers whether it was issued. */
export async function issueKey(ports: CommandPorts, id: string, name: string, key: string): Promise<boolean> {
  const origin = originOf(`key ${id}`, DEFAULT_TENANT);
  const last4 = key.slice(-4);
  const unbound = { scopes: [...PERMISSIONS], expiresAt: null, models: null, personId: null };
  const command = { name, hash: hashApiKey(key), last4, ...unbound };
  const { outcome } = await runCommand(ports, {
    aggregate: apiKeys,
    stream: apiKeys.stream(id),
    origin: { ...origin, repeatable: false },
    refusals: {},
    decide: (state) => decideIssueApiKey({ ...command, origin }, state),
  });
  return outcome === 'appended';
}

/**
 * Registers a model of the platform's, anew if its definition has changed, and grants it when it has not been granted.
 * One that was retired stays retired. Answers whether the platform has it.
 */
export async function registerPlatformModel(
  ports: CommandPorts,
  definition: ModelDefinition,
  grantedTo: readonly string[],
): Promise<boolean> {
  const stream = models.stream(PLATFORM, definition.name);
  const change = (decide: (origin: Origin, state: ModelState) => ReturnType<typeof decideGrantModel>) => {
    const origin = originOf(`model ${definition.name}`, PLATFORM, newId());
    return runCommand(ports, {
      aggregate: models,
      stream,
      origin: { ...origin, repeatable: false },
      refusals: {
        absent: () => new Problem(problems['model-not-found']),
        'too-many': () => new Problem(problems.conflict),
      },
      // One that was retired stays so.
      decide: (state) => (state.status === 'retired' ? [] : decide(origin, state)),
    });
  };
  const { state } = await change((origin, before) => decideRegisterModel({ definition, origin }, before));
  if (state.status !== 'registered') return false;
  // The server may have died between the two events.
  const granted = (await readWholeStream(ports.store, stream)).some(({ type }) => type === 'ModelGranted');
  if (!granted) await change((origin, before) => decideGrantModel({ to: grantedTo, origin }, before));
  return true;
}

/** A credential of the platform's whose value stays in the environment; answers its id. */
export async function storeEnvironmentCredential(ports: CommandPorts, variable: string): Promise<string> {
  const id = v5(`credential ${variable}`, NAMESPACE);
  const origin = originOf(`credential ${variable}`, PLATFORM);
  const command = { name: variable, kind: 'openai', last4: '', secretId: null, environment: variable, origin } as const;
  await runCommand(ports, {
    aggregate: credentials,
    stream: credentials.stream(id),
    origin: { ...origin, repeatable: false },
    refusals: {},
    decide: (state) => decideStoreCredential(command, state),
  });
  return id;
}
