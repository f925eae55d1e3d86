import { credentialRoutes } from '#contracts/credentials.ts';
import { problems } from '#contracts/problems.ts';
import { viewCredential } from '#contracts/views.ts';
import { credentials } from '#events/credential.ts';
import { reservedVariables } from '#platform/config.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Handler } from '#platform/http/route.ts';
import type { Keyring } from '#platform/vault/keyring.ts';
import { acknowledge, type CommandRoutePorts, notFound, runCommand } from '../run-command.ts';
import { decideDeleteCredential, decideStoreCredential } from './decide.ts';

export interface CredentialPorts extends CommandRoutePorts {
  readonly keyring: Pick<Keyring, 'putSecret' | 'removeSecret'>;
}

const ENVIRONMENT = 'env:';

export function createCredentialRoutes(ports: CredentialPorts): BoundRoute[] {
  const { standings, keyring, tokens, origins } = ports;

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
    const origin = await origins(request);
    const id = origin.subjectId;
    // Named by the event, which is derived from the value: a racing request with another value writes elsewhere.
    const secretId = environment === null ? origin.eventId : null;
    const { name, kind } = body;
    const last4 = environment === null && body.value.length >= 12 ? body.value.slice(-4) : '';
    const done = await runCommand(ports, {
      aggregate: credentials,
      stream: credentials.stream(id),
      origin,
      create: true,
      refusals: {},
      // Not for a repeat: it must not bring back the value of a credential that was deleted since.
      async decide(state) {
        if (secretId !== null) await keyring.putSecret(secretId, body.value, caller.tenantId);
        return decideStoreCredential({ name, kind, last4, secretId, environment, origin }, state);
      },
    }).catch(async (error: unknown) => {
      if (error instanceof Problem && secretId !== null) await keyring.removeSecret(secretId);
      throw error;
    });
    if (done.state.status === 'absent') throw new Error(`${done.written.stream} is absent after it was stored`);
    return {
      status: 201,
      headers: { location: `/v1/credentials/${id}`, ...acknowledge(tokens, caller.holder, done) },
      body: viewCredential(id, done.state.credential),
    };
  };

  const deleteCredential: Handler<typeof credentialRoutes.deleteCredential> = async (request) => {
    const { caller, params } = request;
    const stream = credentials.stream(params.id);
    const [standing] = await standings.get([stream]);
    const credential = standing?.of === 'credential' ? standing.state.credential : undefined;
    if (credential?.tenantId !== caller.tenantId) throw notFound();
    const origin = await origins(request);
    const done = await runCommand(ports, {
      aggregate: credentials,
      stream,
      origin,
      ifMatch: request.ifMatch,
      refusals: {},
      decide: (state) => decideDeleteCredential(origin, state),
    });
    if (credential.secretId !== null) await keyring.removeSecret(credential.secretId);
    return { status: 204, headers: acknowledge(tokens, caller.holder, done) };
  };

  return bindRoutes(credentialRoutes, 'command', { storeCredential, deleteCredential });
}
