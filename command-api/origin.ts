// Where a command's events come from, and which ids they get. With an `Idempotency-Key` all ids are derived: the command's
// from tenant, method, path and key, the event's from that and the body, so that the event store itself recognises a
// repeat. The body enters as an HMAC: an id in the log must not let anyone guess at content that was erased.

import { createHmac, type KeyObject } from 'node:crypto';
import canonicalize from 'canonicalize';
import { v5 } from 'uuid';
import type { Origin } from '#events/create-event.ts';
import { createOriginSealer } from '#platform/content/seal-origin.ts';
import type { Caller, HttpRequest } from '#platform/http/route.ts';
import { newId } from '#platform/new-id.ts';
import type { Keyring } from '#platform/vault/keyring.ts';

const NAMESPACE = '0b7f2f4e-4c9a-5f55-8a5b-3d6a0c5b9e21';

export interface CommandOrigin extends Origin {
  /** True when the ids are derived from an `Idempotency-Key`. */
  readonly repeatable: boolean;
  /** For a command that creates something: the id of what it creates. */
  readonly subjectId: string;
}

type RequestOf<Who> = Pick<
  HttpRequest<unknown, unknown, unknown, Who>,
  'route' | 'requestId' | 'traceparent' | 'caller' | 'params' | 'body' | 'idempotencyKey' | 'remoteAddress' | 'headers'
>;

export type CommandRequest = RequestOf<Caller>;

/** Of a public route. */
export type PublicRequest = RequestOf<Caller | undefined>;

/** Of a public route too, once it is known who acts by it. */
export type Origins = (request: RequestOf<Pick<Caller, 'tenantId' | 'actor'>>) => Promise<CommandOrigin>;

export interface OriginOptions {
  /** What the ids of repeatable commands are derived with. */
  readonly secret: KeyObject;
  readonly keyring: Pick<Keyring, 'dataKey'>;
}

/** Rejects like `Keyring.dataKey` when the caller's key cannot be had: an event that hides where it came from is none. */
export function createOrigins({ secret, keyring }: OriginOptions): Origins {
  const seal = createOriginSealer(keyring);
  return async (request) => {
    const { caller, idempotencyKey, route, params, body, remoteAddress, headers } = request;
    const commandId =
      idempotencyKey === undefined
        ? newId()
        : v5(JSON.stringify([caller.tenantId, route.method, route.path, params ?? null, idempotencyKey]), NAMESPACE);
    const eventId = idempotencyKey === undefined ? newId() : v5(digest(secret, body), commandId);
    const subject = caller.actor.kind === 'user' ? caller.actor.id : caller.tenantId;
    return {
      commandId,
      eventId,
      subjectId: commandId,
      repeatable: idempotencyKey !== undefined,
      tenantId: caller.tenantId,
      actor: caller.actor,
      correlationId: request.requestId,
      sealedOrigin: await seal(subject, { address: remoteAddress, client: headers['user-agent'] }),
      ...(request.traceparent !== undefined && { traceparent: request.traceparent }),
    };
  };
}

/** HMAC-SHA-256 of the canonical JSON (RFC 8785). */
const digest = (secret: KeyObject, body: unknown) =>
  createHmac('sha256', secret)
    .update(canonicalize(body ?? null) ?? 'null')
    .digest('hex');
