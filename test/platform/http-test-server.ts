// A server with a few routes on the HTTP app, for its tests: real sockets, no doubles.

import { once } from 'node:events';
import { connect } from 'node:net';
import { z } from 'zod';
import { createHttpApp, type HttpAppParts } from '../../compose/http-app.ts';
import { problems } from '#contracts/problems.ts';
import type { Authentication } from '#platform/auth/authenticate.ts';
import type { AccessRecord } from '#platform/http/access-log.ts';
import { type Authenticate, authentication } from '#platform/http/authentication.ts';
import { anyQuery, type BoundRoute, bindRoute, type Caller, etagOf } from '#platform/http/route.ts';
import { type HttpServerOptions, openHttpServer } from '#platform/http/serve.ts';

export const KEY = 'Bearer key-of-anna';

export const echoRoute = {
  id: 'echo',
  method: 'POST',
  path: '/v1/echo',
  permission: 'echo:write',
  body: z.strictObject({
    text: z.string().max(1_000),
    parameters: z.strictObject({ temperature: z.number().min(0).max(2).optional() }).default({}),
  }),
  idempotent: true,
  ifMatch: true,
} as const;

export const thingRoute = {
  id: 'getThing',
  method: 'GET',
  path: '/v1/things/{id}',
  permission: 'echo:read',
  params: z.object({ id: z.string().regex(/^\w{1,20}$/) }),
  query: z.strictObject({ limit: z.string().regex(/^\d+$/).transform(Number).optional() }),
} as const;

const nameParams = z.object({ name: z.string().regex(/^[\w/.-]{1,60}$/, 'Must be a name') });
const named = { permission: 'echo:write', params: nameParams, slashes: 'name' } as const;
export const putNameRoute = { id: 'putName', method: 'PUT', path: '/v1/names/{name}', ...named, openai: true } as const;
export const putDefaultsRoute = {
  id: 'putDefaults',
  method: 'PUT',
  path: '/v1/names/{name}/defaults',
  ...named,
} as const;
export const getNameRoute = {
  id: 'getName',
  method: 'GET',
  path: '/v1/names/{name}',
  query: anyQuery,
  ...named,
} as const;
export const openRoute = { id: 'open', method: 'GET', path: '/open', public: true } as const;
export const brokenRoute = {
  id: 'broken',
  method: 'POST',
  path: '/v1/broken',
  permission: 'echo:write',
  openai: true,
} as const;
export const forbiddenRoute = { id: 'secret', method: 'GET', path: '/v1/secret', permission: 'platform' } as const;

const permissions = new Set(['echo:write', 'echo:read']);

export const caller: Caller = {
  tenantId: 'tenant-a',
  actor: { kind: 'api-key', id: 'anna' },
  holder: 'tenant-a',
  permissions,
  permissionsIn: (tenantId) => (tenantId === 'tenant-a' ? permissions : undefined),
};

/** Knows one key. */
export const knowing =
  (key: string): Authenticate =>
  async ({ headers: { authorization } }): Promise<Authentication> => {
    if (authorization === undefined) return { ok: false, reason: 'missing' };
    return authorization === key ? { ok: true, caller } : { ok: false, reason: 'unknown' };
  };

/** The handlers answer with what they were given. */
export const echoRoutes: readonly BoundRoute[] = [
  bindRoute(echoRoute, ({ body, idempotencyKey, ifMatch, consistencyToken, requestId, traceparent }) => ({
    status: 201,
    headers: { location: '/v1/things/1', etag: etagOf(3) },
    body: { body, idempotencyKey, ifMatch, consistencyToken, requestId, traceparent },
  })),
  bindRoute(thingRoute, ({ params, query, caller }) => ({
    status: 200,
    body: { params, query, tenant: caller.tenantId },
  })),
  bindRoute(putNameRoute, ({ params }) => ({ status: 200, body: { route: 'putName', ...params } })),
  bindRoute(putDefaultsRoute, ({ params }) => ({ status: 200, body: { route: 'putDefaults', ...params } })),
  bindRoute(getNameRoute, ({ params }) => ({ status: 200, body: { route: 'getName', ...params } })),
  bindRoute(openRoute, ({ caller }) => ({ status: 200, body: { open: true, caller: caller ?? null } })),
  bindRoute(brokenRoute, () => {
    throw new Error('the password is hunter2');
  }),
  bindRoute(forbiddenRoute, () => ({ status: 200, body: {} })),
];

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export async function openTestServer(
  routes: readonly BoundRoute[] = echoRoutes,
  parts: Partial<HttpAppParts> = {},
  limits: HttpServerOptions['limits'] = {},
) {
  const lines: LogLine[] = [];
  const records: AccessRecord[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as LogLine['fields'], message });
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const app = createHttpApp({
    routes,
    authentication: authentication(knowing(KEY), problems),
    log,
    access: { onAnswer: (record) => records.push(record) },
    ...parts,
  });
  const server = await openHttpServer({ app, host: '127.0.0.1', port: 0, log, limits });
  const send = (path: string, init: RequestInit & { duplex?: 'half' } = {}) =>
    fetch(server.url + path, { ...init, headers: { authorization: KEY, ...(init.headers as Record<string, string>) } });
  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    send(path, {
      method: 'POST',
      body: body as NonNullable<RequestInit['body']>,
      headers: { 'content-type': 'application/json', ...headers },
    });
  return { ...server, lines, records, send, post };
}

export type TestServer = Awaited<ReturnType<typeof openTestServer>>;

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance: string;
  readonly code: string;
  readonly requestId: string;
  readonly errors?: { in: string; pointer: string; message: string }[];
  readonly error?: { message: string; type: string; param: string | null; code: string | null };
}

export const problemOf = async (response: Response) => (await response.json()) as ProblemBody;

/** What a server says to these bytes, until it ends the connection, or `until` is found in it. */
export async function exchange(port: number, bytes: string | Uint8Array, until?: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1');
  const over = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (until !== undefined && text.includes(until)) resolve();
    });
    socket.on('end', resolve);
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
  await once(socket, 'connect');
  socket.write(bytes);
  try {
    await over;
  } finally {
    socket.destroy();
  }
  return text;
}

/** Waits for a condition; fails after two seconds. */
export async function eventually(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 2_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 2 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
