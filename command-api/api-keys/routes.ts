import type { KeyObject } from 'node:crypto';
import { apiKeyRoutes } from '#contracts/api-keys.ts';
import { problems } from '#contracts/problems.ts';
import { viewApiKey } from '#contracts/views.ts';
import { type ApiKey, apiKeys, type ApiKeyState } from '#events/api-key.ts';
import { tenants } from '#events/tenant.ts';
import { hashApiKey } from '#platform/auth/api-key.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Caller, Handler } from '#platform/http/route.ts';
import type { CommandOrigin } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, type Done, notFound, runCommand, type Written } from '../run-command.ts';
import { decideIssueApiKey, decideRevokeApiKey, decideSetApiKeyLimits } from './decide.ts';
import { expiryFor, modelsFor, requireWithin, scopesFor } from './key-bounds.ts';
import { createKeySecret, shownKey } from './key-secret.ts';
import { rotateApiKey } from './rotate-api-key.ts';

export interface ApiKeyPorts extends CommandRoutePorts {
  /** Derives the secret of a key asked for with an Idempotency-Key, so that the repeat is answered with the same key. */
  readonly secret: KeyObject;
  readonly now: () => number;
}

export function createApiKeyRoutes(ports: ApiKeyPorts): BoundRoute[] {
  const { standings, tokens, origins, secret, now } = ports;

  const tenantFor = async (caller: Caller, asked: string | undefined): Promise<string> => {
    if (asked === undefined || asked === caller.tenantId) return caller.tenantId;
    const [standing] = caller.permissions.has('platform') ? await standings.get([tenants.stream(asked)]) : [];
    if (standing?.of === 'tenant') return asked;
    const errors = [
      { in: 'body' as const, pointer: '/tenantId', message: 'is not a tenant that you may issue keys for' },
    ];
    throw new Problem(problems['invalid-request'], { detail: 'There is no such tenant.', errors });
  };

  /** The person whose permissions bound the keys that the caller makes. */
  const personOf = async ({ actor }: Caller): Promise<string | null> => {
    if (actor.kind === 'user') return actor.id;
    const [own] = await standings.get([apiKeys.stream(actor.id)]);
    return own?.of === 'apikey' ? own.state.key.personId : null;
  };

  /** The key of an id, if it is the caller's to see. */
  const stateOf = async (caller: Caller, id: string): Promise<Exclude<ApiKeyState, { status: 'absent' }>> => {
    const [standing] = await standings.get([apiKeys.stream(id)]);
    const state = standing?.of === 'apikey' ? standing.state : undefined;
    const isOwn = state?.key.tenantId === caller.tenantId;
    if (state === undefined || (!isOwn && !caller.permissions.has('platform'))) throw notFound();
    return state;
  };

  const issued = (
    caller: Caller,
    id: string,
    key: string,
    done: Done<ApiKeyState>,
    beside: readonly Written[] = [],
  ) => {
    const shown = present(done);
    const view = viewApiKey(id, shown, done.state.status === 'revoked', { now: now() });
    return {
      status: 201,
      headers: { location: `/v1/api-keys/${id}`, ...acknowledge(tokens, caller.holder, done, beside) },
      body: { ...view, key: shownKey(key, shown, caller, done, now()) },
    };
  };

  const issueApiKey: Handler<typeof apiKeyRoutes.issueApiKey> = async (request) => {
    const { caller, body } = request;
    const origin = await origins(request);
    const id = origin.subjectId;
    const key = createKeySecret(secret, id, origin);
    const done = await runCommand(ports, {
      aggregate: apiKeys,
      stream: apiKeys.stream(id),
      origin,
      create: true,
      refusals: {},
      async decide(state) {
        const tenantId = await tenantFor(caller, body.tenantId);
        const bounds = {
          scopes: scopesFor(caller, body.scopes),
          models: modelsFor(caller, body.models),
          expiresAt: expiryFor(body.expiresAt, now()),
          personId: await personOf(caller),
        };
        const command = { name: body.name, hash: hashApiKey(key), last4: key.slice(-4), ...bounds };
        return decideIssueApiKey({ ...command, origin: { ...origin, tenantId } }, state);
      },
    });
    return issued(caller, id, key, done);
  };

  const rotate: Handler<typeof apiKeyRoutes.rotateApiKey> = async (request) => {
    const { caller, params, body } = request;
    const old = await stateOf(caller, params.id);
    requireWithin(caller, old.key);
    const origin: CommandOrigin = { ...(await origins(request)), tenantId: old.key.tenantId };
    const key = createKeySecret(secret, origin.subjectId, origin);
    const rotated = await rotateApiKey(ports, {
      id: params.id,
      old,
      key,
      personId: await personOf(caller),
      overlapMs: body.overlap,
      now: now(),
      origin,
    });
    return issued(caller, origin.subjectId, key, rotated.done, [rotated.old.written]);
  };

  const setApiKeyLimits: Handler<typeof apiKeyRoutes.setApiKeyLimits> = async (request) => {
    const { caller, params, body, ifMatch } = request;
    const { key } = await stateOf(caller, params.id);
    if (caller.actor.kind === 'api-key' && caller.actor.id === params.id)
      throw new Problem(problems.forbidden, { detail: 'A key cannot set its own limits.' });
    const origin: CommandOrigin = { ...(await origins(request)), tenantId: key.tenantId };
    const done = await runCommand<ApiKeyState, 'inactive'>(ports, {
      aggregate: apiKeys,
      stream: apiKeys.stream(params.id),
      origin,
      ifMatch,
      refusals: { inactive: () => new Problem(problems.conflict, { detail: 'The key is revoked.' }) },
      decide: (state) => decideSetApiKeyLimits({ ...body, origin, repeatable: origin.repeatable }, state),
    });
    return {
      status: 200,
      headers: acknowledge(tokens, caller.holder, done),
      body: viewApiKey(params.id, present(done), false, { now: now() }),
    };
  };

  const revokeApiKey: Handler<typeof apiKeyRoutes.revokeApiKey> = async (request) => {
    const { caller, params, ifMatch } = request;
    const { key } = await stateOf(caller, params.id);
    const origin: CommandOrigin = { ...(await origins(request)), tenantId: key.tenantId };
    const done = await runCommand(ports, {
      aggregate: apiKeys,
      stream: apiKeys.stream(params.id),
      origin,
      ifMatch,
      refusals: {},
      decide: (state) => decideRevokeApiKey(origin, state),
    });
    return { status: 204, headers: acknowledge(tokens, caller.holder, done) };
  };

  return bindRoutes(apiKeyRoutes, 'command', { issueApiKey, rotateApiKey: rotate, setApiKeyLimits, revokeApiKey });
}

function present({ state, written }: Done<ApiKeyState>): ApiKey {
  if (state.status === 'absent') throw new Error(`${written.stream} is absent after it was changed`);
  return state.key;
}
