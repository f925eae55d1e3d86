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
import { expiryFor, modelsFor, requireLimitWithin, requireWithin, scopesFor } from './key-bounds.ts';
import { createKeySecret, shownKey } from './key-secret.ts';
import { rotateApiKey } from './rotate-api-key.ts';

export interface ApiKeyPorts extends CommandRoutePorts {
  /** Derives the secret of a key asked for with an Idempotency-Key, so that the repeat is answered with the same key. */
  readonly secret: KeyObject;
  /** Requests a minute of keys for which nothing else was set; undefined where they are not counted. */
  readonly limitPerKey: number | undefined;
  readonly now: () => number;
}

export function createApiKeyRoutes(ports: ApiKeyPorts): BoundRoute[] {
  const { standings, tokens, origins, secret, limitPerKey, now } = ports;

  const tenantFor = async (caller: Caller, asked: string | undefined): Promise<string> => {
    if (asked === undefined || asked === caller.tenantId) return caller.tenantId;
    const [standing] = caller.permissions.has('platform') ? await standings.get([tenants.stream(asked)]) : [];
    if (standing?.of === 'tenant') return asked;
    const errors = [
      { in: 'body' as const, pointer: '/tenantId', message: 'is not a tenant that you may issue keys for' },
    ];
    throw new Problem(problems['invalid-request'], { detail: 'There is no such tenant.', errors });
  };

  /** The key by which the caller calls; null for a person. It bounds what they make of others. */
  const ownKeyOf = async ({ actor }: Caller): Promise<ApiKey | null> => {
    if (actor.kind === 'user') return null;
    const [own] = await standings.get([apiKeys.stream(actor.id)]);
    if (own?.of !== 'apikey') throw new Error(`the key ${actor.id} was let in, but has no standing`);
    return own.state.key;
  };

  /** The person whose permissions bound the keys that the caller makes. */
  const personOf = ({ actor }: Caller, own: ApiKey | null): string | null =>
    actor.kind === 'user' ? actor.id : (own?.personId ?? null);

  const isOwn = ({ actor }: Caller, id: string) => actor.kind === 'api-key' && actor.id === id;

  /** The key of an id, if it is the caller's to see. */
  const stateOf = async (caller: Caller, id: string): Promise<Exclude<ApiKeyState, { status: 'absent' }>> => {
    const [standing] = await standings.get([apiKeys.stream(id)]);
    const state = standing?.of === 'apikey' ? standing.state : undefined;
    const isHere = state?.key.tenantId === caller.tenantId;
    if (state === undefined || (!isHere && !caller.permissions.has('platform'))) throw notFound();
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
        const own = await ownKeyOf(caller);
        const bounds = {
          scopes: scopesFor(caller, body.scopes),
          models: modelsFor(caller, body.models),
          expiresAt: expiryFor(body.expiresAt, own, now()),
          personId: personOf(caller, own),
          requestsPerMinute: own?.requestsPerMinute ?? null,
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
    const own = await ownKeyOf(caller);
    requireLimitWithin(old.key.requestsPerMinute, own, limitPerKey);
    const origin: CommandOrigin = { ...(await origins(request)), tenantId: old.key.tenantId };
    const key = createKeySecret(secret, origin.subjectId, origin);
    const rotated = await rotateApiKey(ports, {
      id: params.id,
      old,
      key,
      personId: personOf(caller, own),
      until: own?.expiresAt ?? null,
      overlapMs: body.overlap,
      now: now(),
      origin,
    });
    return issued(caller, origin.subjectId, key, rotated.done, [rotated.old.written]);
  };

  const setApiKeyLimits: Handler<typeof apiKeyRoutes.setApiKeyLimits> = async (request) => {
    const { caller, params, body, ifMatch } = request;
    const { key } = await stateOf(caller, params.id);
    if (isOwn(caller, params.id)) throw new Problem(problems.forbidden, { detail: 'A key cannot set its own limits.' });
    requireWithin(caller, key);
    requireLimitWithin(body.requestsPerMinute, await ownKeyOf(caller), limitPerKey);
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
    if (!isOwn(caller, params.id)) requireWithin(caller, key);
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
