import { credentialRoutes } from '#contracts/credentials.ts';
import { problems } from '#contracts/problems.ts';
import { viewCredential } from '#contracts/views.ts';
import { credentials } from '#events/credential.ts';
import type { Standing } from '#events/standing.ts';
import { reservedVariables } from '#platform/config.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Handler } from '#platform/http/route.ts';
import type { Standings } from '#platform/standing/standings.ts';
import type { Keyring } from '#platform/vault/keyring.ts';
import { acknowledge } from '../acknowledge.ts';
import { createOnce, findCreated, replayHeaders } from '../create-once.ts';
import { ifMatched } from '../if-match.ts';
import type { Origins } from '../origin.ts';
import { decideDeleteCredential, decideStoreCredential } from './decide.ts';

export interface CredentialPorts {
  readonly store: EventStore;
  readonly standings: Standings<Standing>;
  readonly keyring: Pick<Keyring, 'putSecret' | 'removeSecret'>;
  readonly tokens: ConsistencyTokens;
  readonly origins: Origins;
}

const ENVIRONMENT = 'env:';

export function createCredentialRoutes({ store, standings, keyring, tokens, origins }: CredentialPorts): BoundRoute[] {
  const storeCredential: Handler<typeof credentialRoutes.storeCredential> = async (request) => {
    const { caller, body } = request;
    const environment = body.value.startsWith(ENVIRONMENT) ? body.value.slice(ENVIRONMENT.length) : null;
    if (environment !== null && !caller.permissions.has('platform')) {
      const errors = [{ in: 'body' as const, pointer: '/value', message: 'env:NAME needs the permission platform' }];
      throw new Problem(problems.forbidden, { detail: "The server's variables are the platform's.", errors });
    }
    if (environment !== null && reservedVariables.has(environment)) {
      const errors = [{ in: 'body' as const, pointer: '/value', message: `${environment} is Defter's own` }];
      throw new Problem(problems['invalid-request'], { errors });
    }
    const { subjectId: id, repeatable, ...origin } = await origins(request);
    const stream = credentials.stream(id);
    // Named by the event, which is derived from the value: a racing request with another value writes elsewhere.
    const secretId = environment === null ? origin.eventId : null;
    // A repeat must not bring back the value of a credential that was deleted since.
    const earlier = repeatable ? await findCreated(store, stream, origin.eventId) : undefined;
    if (secretId !== null && !earlier) await keyring.putSecret(secretId, body.value, caller.tenantId);
    const { name, kind } = body;
    const last4 = environment === null && body.value.length >= 12 ? body.value.slice(-4) : '';
    const [event] = decideStoreCredential({ name, kind, last4, secretId, environment, origin }, credentials.initial);
    const created = await createOnce(store, stream, event!, repeatable).catch(async (error: unknown) => {
      if (error instanceof Problem && secretId !== null) await keyring.removeSecret(secretId);
      throw error;
    });
    const standing = (await standings.refresh(stream))?.standing;
    if (standing?.of !== 'credential') throw new Error(`${stream} has no standing after it was stored`);
    return {
      status: 201,
      headers: {
        location: `/v1/credentials/${id}`,
        ...acknowledge(tokens, caller.tenantId, [created]),
        ...replayHeaders(created.replayed),
      },
      body: viewCredential(id, standing.state.credential),
    };
  };

  const deleteCredential: Handler<typeof credentialRoutes.deleteCredential> = async (request) => {
    const { caller, params } = request;
    const stream = credentials.stream(params.id);
    const [standing] = await standings.get([stream]);
    const credential = standing?.of === 'credential' ? standing.state.credential : undefined;
    if (credential?.tenantId !== caller.tenantId)
      throw new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
    const origin = await origins(request);
    const done = await handleCommand({
      store,
      stream,
      decider: credentials,
      decide: (state) => decideDeleteCredential(origin, state),
      ...ifMatched(request.ifMatch),
    });
    if (credential.secretId !== null) await keyring.removeSecret(credential.secretId);
    await standings.refresh(stream);
    return { status: 204, headers: acknowledge(tokens, caller.tenantId, [{ stream, ...done }]) };
  };

  return bindRoutes(credentialRoutes, 'command', { storeCredential, deleteCredential });
}
