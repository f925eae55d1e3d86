import { createHmac, type KeyObject, randomBytes } from 'node:crypto';
import { apiKeyRoutes } from '#contracts/api-keys.ts';
import { DEFAULT_KEY_SCOPES, permissionsBeyond } from '#contracts/permissions.ts';
import { problems } from '#contracts/problems.ts';
import { viewApiKey } from '#contracts/views.ts';
import { apiKeys } from '#events/api-key.ts';
import { tenants } from '#events/tenant.ts';
import { createApiKey, hashApiKey } from '#platform/auth/api-key.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type FieldFault, Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Caller, Handler } from '#platform/http/route.ts';
import type { CommandOrigin } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, notFound, runCommand } from '../run-command.ts';
import { decideIssueApiKey, decideRevokeApiKey } from './decide.ts';

export interface ApiKeyPorts extends CommandRoutePorts {
  /** Derives the secret of a key asked for with an Idempotency-Key, so that the repeat is answered with the same key. */
  readonly secret: KeyObject;
  readonly now: () => number;
}

const bodyFault = (pointer: string, message: string): FieldFault => ({ in: 'body', pointer, message });

export function createApiKeyRoutes(ports: ApiKeyPorts): BoundRoute[] {
  const { standings, tokens, origins, secret, now } = ports;

  const secretOf = ({ repeatable, eventId }: CommandOrigin) =>
    repeatable ? createHmac('sha256', secret).update(`api-key:${eventId}`).digest() : randomBytes(32);

  const tenantFor = async (caller: Caller, asked: string | undefined): Promise<string> => {
    if (asked === undefined || asked === caller.tenantId) return caller.tenantId;
    const [standing] = caller.permissions.has('platform') ? await standings.get([tenants.stream(asked)]) : [];
    if (standing?.of === 'tenant') return asked;
    const errors = [bodyFault('/tenantId', 'is not a tenant that you may issue keys for')];
    throw new Problem(problems['invalid-request'], { detail: 'There is no such tenant.', errors });
  };

  const scopesFor = (caller: Caller, asked: readonly string[] | undefined): readonly string[] => {
    if (asked === undefined) return DEFAULT_KEY_SCOPES.filter((scope) => caller.permissions.has(scope));
    const beyond = permissionsBeyond(asked, caller.permissions);
    if (beyond.length === 0) return asked;
    const errors = beyond.map((scope) => bodyFault(`/scopes/${asked.indexOf(scope)}`, `you lack ${scope} yourself`));
    throw new Problem(problems.forbidden, { detail: 'A key can hold no more than its maker does.', errors });
  };

  const expiryFor = (asked: string | undefined): number | null => {
    if (asked === undefined) return null;
    const expiresAt = Date.parse(asked);
    if (expiresAt > now()) return expiresAt;
    throw new Problem(problems['invalid-request'], { errors: [bodyFault('/expiresAt', 'must be in the future')] });
  };

  const issueApiKey: Handler<typeof apiKeyRoutes.issueApiKey> = async (request) => {
    const { caller, body } = request;
    const origin = await origins(request);
    const id = origin.subjectId;
    const key = createApiKey(id, secretOf(origin));
    const done = await runCommand(ports, {
      aggregate: apiKeys,
      stream: apiKeys.stream(id),
      origin,
      create: true,
      refusals: {},
      async decide(state) {
        const tenantId = await tenantFor(caller, body.tenantId);
        const scopes = scopesFor(caller, body.scopes);
        const expiresAt = expiryFor(body.expiresAt);
        const { name } = body;
        const command = {
          name,
          hash: hashApiKey(key),
          last4: key.slice(-4),
          scopes,
          expiresAt,
          models: null,
          personId: null,
        };
        return decideIssueApiKey({ ...command, origin: { ...origin, tenantId } }, state);
      },
    });
    if (done.state.status === 'absent') throw new Error(`${done.written.stream} is absent after it was issued`);
    return {
      status: 201,
      headers: { location: `/v1/api-keys/${id}`, ...acknowledge(tokens, caller.holder, done) },
      body: { ...viewApiKey(id, done.state.key, done.state.status === 'revoked', now()), key },
    };
  };

  const revokeApiKey: Handler<typeof apiKeyRoutes.revokeApiKey> = async (request) => {
    const { caller, params } = request;
    const stream = apiKeys.stream(params.id);
    const [standing] = await standings.get([stream]);
    const owner = standing?.of === 'apikey' ? standing.state.key.tenantId : undefined;
    if (owner === undefined || (owner !== caller.tenantId && !caller.permissions.has('platform'))) throw notFound();
    const origin = { ...(await origins(request)), tenantId: owner };
    const done = await runCommand(ports, {
      aggregate: apiKeys,
      stream,
      origin,
      ifMatch: request.ifMatch,
      refusals: {},
      decide: (state) => decideRevokeApiKey(origin, state),
    });
    return { status: 204, headers: acknowledge(tokens, caller.holder, done) };
  };

  return bindRoutes(apiKeyRoutes, 'command', { issueApiKey, revokeApiKey });
}
