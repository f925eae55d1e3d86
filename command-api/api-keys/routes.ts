import { createHmac, type KeyObject, randomBytes } from 'node:crypto';
import { apiKeyRoutes } from '#contracts/api-keys.ts';
import { DEFAULT_KEY_SCOPES, permissionsBeyond } from '#contracts/permissions.ts';
import { problems } from '#contracts/problems.ts';
import { viewApiKey } from '#contracts/views.ts';
import { apiKeys } from '#events/api-key.ts';
import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { createApiKey, hashApiKey } from '#platform/auth/api-key.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { type FieldFault, Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Caller, Handler } from '#platform/http/route.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { acknowledge } from '../acknowledge.ts';
import { createOnce, findCreated, replayHeaders } from '../create-once.ts';
import { ifMatched } from '../if-match.ts';
import type { CommandOrigin, Origins } from '../origin.ts';
import { decideIssueApiKey, decideRevokeApiKey } from './decide.ts';

export interface ApiKeyPorts {
  readonly store: EventStore;
  readonly standings: Standings<Standing>;
  readonly tokens: ConsistencyTokens;
  readonly origins: Origins;
  /** Derives the secret of a key asked for with an Idempotency-Key, so that the repeat is answered with the same key. */
  readonly secret: KeyObject;
  readonly now: () => number;
}

const decider = apiKeys;

const bodyFault = (pointer: string, message: string): FieldFault => ({ in: 'body', pointer, message });

export function createApiKeyRoutes(ports: ApiKeyPorts): BoundRoute[] {
  const { store, standings, tokens, origins, secret, now } = ports;

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

  const expiryFor = (asked: string | undefined, isRepeat: boolean): number | null => {
    if (asked === undefined) return null;
    const expiresAt = Date.parse(asked);
    // The answer to a repeat is the first one, also when the key has expired since.
    if (isRepeat || expiresAt > now()) return expiresAt;
    throw new Problem(problems['invalid-request'], { errors: [bodyFault('/expiresAt', 'must be in the future')] });
  };

  const issueApiKey: Handler<typeof apiKeyRoutes.issueApiKey> = async (request) => {
    const { caller, body } = request;
    const origin = await origins(request);
    const tenantId = await tenantFor(caller, body.tenantId);
    const id = origin.subjectId;
    const stream = apiKeys.stream(id);
    const earlier = origin.repeatable ? await findCreated(store, stream, origin.eventId) : undefined;
    const key = createApiKey(id, secretOf(origin));
    const command = {
      name: body.name,
      hash: hashApiKey(key),
      last4: key.slice(-4),
      scopes: scopesFor(caller, body.scopes),
      expiresAt: expiryFor(body.expiresAt, earlier !== undefined),
      origin: { ...origin, tenantId },
    };
    const [event] = decideIssueApiKey(command, apiKeys.initial);
    const created = await createOnce(store, stream, event!, origin.repeatable);
    const standing = (await standings.refresh(stream))?.standing;
    if (standing?.of !== 'apikey') throw new Error(`${stream} has no standing after it was issued`);
    return {
      status: 201,
      headers: {
        location: `/v1/api-keys/${id}`,
        ...acknowledge(tokens, caller.tenantId, [created]),
        ...replayHeaders(created.replayed),
      },
      body: { ...viewApiKey(id, standing.state.key, standing.state.status === 'revoked', now()), key },
    };
  };

  const revokeApiKey: Handler<typeof apiKeyRoutes.revokeApiKey> = async (request) => {
    const { caller, params } = request;
    const stream = apiKeys.stream(params.id);
    const [standing] = await standings.get([stream]);
    const owner = standing?.of === 'apikey' ? standing.state.key.tenantId : undefined;
    if (owner === undefined || (owner !== caller.tenantId && !caller.permissions.has('platform')))
      throw new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
    const origin = { ...(await origins(request)), tenantId: owner };
    const done = await handleCommand({
      store,
      stream,
      decider,
      decide: (state) => decideRevokeApiKey(origin, state),
      ...ifMatched(request.ifMatch),
    });
    await standings.refresh(stream);
    return { status: 204, headers: acknowledge(tokens, caller.tenantId, [{ stream, ...done }]) };
  };

  return bindRoutes(apiKeyRoutes, 'command', { issueApiKey, revokeApiKey });
}
