// Calls the handlers of commands over a log in memory, as the HTTP app would.

import { createSecretKey, randomBytes } from 'node:crypto';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import type { Answer, BoundRoute, Caller, HttpRequest } from '#platform/http/route.ts';
import type { Snapshots } from '#platform/event-store/snapshots.ts';
import type { CommandRoutePorts } from '../../command-api/run-command.ts';
import { createOrigins } from '../../command-api/origin.ts';
import type { PeoplePorts } from './people-ports.ts';

const tokens: ConsistencyTokens = { issue: () => 'token', read: () => ({ ok: true, entries: [] }) };
const snapshots: Snapshots = { find: async () => undefined, has: () => false, keep: async () => undefined };

/** What routes that run commands need, with origins as they are made for requests. */
export const routePortsOf = (ports: PeoplePorts): PeoplePorts & CommandRoutePorts => ({
  ...ports,
  snapshots,
  tokens,
  origins: createOrigins({ secret: createSecretKey(randomBytes(32)), keyring: ports.keyring }),
});

/** Who calls; keys unless `actor` says else. */
export const callerWith = (permissions: readonly string[], change: Partial<Caller> = {}): Caller => ({
  tenantId: 'acme',
  actor: { kind: 'api-key', id: 'k1' },
  holder: 'acme',
  permissions: new Set(permissions),
  permissionsIn: () => new Set(permissions),
  ...change,
});

export type Asked = Partial<Pick<HttpRequest, 'params' | 'query' | 'body' | 'idempotencyKey'>>;

/** Rejects with the problem that the request is refused with. */
export async function callRoute(
  routes: readonly BoundRoute[],
  id: string,
  caller: Caller,
  asked: Asked = {},
): Promise<Answer> {
  const bound = routes.find(({ route }) => route.id === id);
  if (!bound) throw new Error(`there is no route ${id}`);
  return bound.handle({
    route: bound.route,
    requestId: 'request-1',
    traceparent: undefined,
    caller,
    params: undefined,
    query: undefined,
    body: undefined,
    headers: {},
    idempotencyKey: undefined,
    consistencyToken: undefined,
    ifMatch: undefined,
    remoteAddress: '192.0.2.1',
    signal: new AbortController().signal,
    ...asked,
  });
}
