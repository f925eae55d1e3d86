// What the HTTP app needs to know of a route and of its handler. It knows no route of its own: contracts and handlers
// come in as arguments. A schema is anything with zod's `safeParse`.

import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Actor } from '#events/envelope.ts';

export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string | undefined;
}

/** An issue before it has a message: also the schema that it is of. */
export interface RawIssue {
  readonly code?: string | undefined;
  readonly keys?: readonly string[];
  readonly inst?: unknown;
}

export interface Schema {
  safeParse(
    value: unknown,
    context?: { readonly error: (issue: RawIssue) => string | undefined },
  ):
    | { readonly success: true; readonly data: unknown }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } };
}

/** A body that is never held whole: multipart, NDJSON, a file. */
export interface StreamBody {
  readonly contentTypes: readonly string[];
  /** The longest, in bytes. */
  readonly limit: number;
  /** Milliseconds that the client may send nothing while the handler waits for more. */
  readonly idleMs: number;
}

export interface Route {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/v1/models/{name}/defaults` */
  readonly path: string;
  /** Required unless `public` or `anyCaller`. */
  readonly permission?: string;
  /** The path parameter that names the tenant in which the permission is checked; the caller's own unless named. */
  readonly tenantFrom?: { readonly path: string };
  readonly public?: true;
  /** On a public route: a valid credential says who is calling, and anything else is as none. */
  readonly callerIfAny?: true;
  /** True: a valid credential is enough. */
  readonly anyCaller?: true;
  /** Open also to a person who must set a new password first, as nothing else is. */
  readonly whilePasswordIsDue?: true;
  readonly params?: Schema;
  /** The one path parameter that may contain `/`, percent-encoded or not. */
  readonly slashes?: string;
  /** Without it no query is taken. */
  readonly query?: Schema;
  /** Of JSON. */
  readonly body?: Schema;
  /** True: no body stands for `{}`. */
  readonly bodyOptional?: true;
  /** Bytes of JSON, where it is not the app's own limit. */
  readonly bodyLimit?: number;
  /** A body that is a stream, in the place of JSON. */
  readonly stream?: StreamBody;
  readonly idempotent?: true;
  readonly ifMatch?: true;
  readonly openai?: true;
  readonly answers?: Readonly<
    Record<number, { readonly description?: string; readonly schema?: Schema; readonly contentType?: string }>
  >;
}

type Permissions = ReadonlySet<string>;

/** Who is calling, as `authenticate` found out. */
export interface Caller {
  /** Of the request: the one that it names, else the caller's own. */
  readonly tenantId: string;
  readonly actor: Actor;
  /** Whom consistency tokens are bound to: a person, in whichever tenant they act; of a key its tenant. */
  readonly holder: string;
  /** In the tenant of the request. */
  readonly permissions: Permissions;
  /**
   * In this tenant; undefined where the caller has no part in it. Throws the problem that says why where the caller may not
   * act there now.
   */
  permissionsIn(tenantId: string): Permissions | undefined | Promise<Permissions | undefined>;
  /** Requests a minute, where other limits than everybody's are set for this key, or for all in the request's tenant together. */
  readonly limits?: { readonly own?: number | undefined; readonly tenant?: number | undefined };
  /** The models that a key is for; any unless named. */
  readonly models?: readonly string[];
  /** A person's. */
  readonly sessionId?: string;
  /** Why the tenant is suspended; only to those who may not act in it for that. */
  readonly suspended?: string;
  /** True: a person is to set a new password before anything else. */
  readonly mustChangePassword?: true;
}

/** `stream_exists` is `If-Match: *`. */
export type IfMatch = number | 'stream_exists';

export interface HttpRequest<Params = unknown, Query = unknown, Body = unknown, Who = unknown> {
  /** The route's path template, for idempotency scopes and logs. */
  readonly route: Route;
  /** The correlation id: the client's `x-request-id`, or a new UUID. */
  readonly requestId: string;
  /** To be passed on; a new span of the client's trace. Undefined when the client sent none. */
  readonly traceparent: string | undefined;
  readonly caller: Who;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly headers: IncomingHttpHeaders;
  /** Unquoted, 1–255 characters; only on routes that are `idempotent`. */
  readonly idempotencyKey: string | undefined;
  /** As sent, at most 8,192 characters; opaque here. */
  readonly consistencyToken: string | undefined;
  /** Only on routes with `ifMatch`. */
  readonly ifMatch: IfMatch | undefined;
  readonly remoteAddress: string;
  /** Aborts when the client leaves before the answer has been sent whole. */
  readonly signal: AbortSignal;
}

/** At most one of body, bytes and stream. */
export interface Answer {
  readonly status: number;
  /** Lower-case names; they override the app's own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A JSON value. */
  readonly body?: unknown;
  /** Sent as it is; `content-type` must be among the headers. */
  readonly bytes?: string | Uint8Array;
  /** Piped, and destroyed when the client leaves; `content-type` must be among the headers. */
  readonly stream?: Readable;
}

type Parsed<S> = S extends { safeParse: (value: unknown) => infer Result }
  ? Extract<Result, { success: true }> extends { data: infer Data }
    ? Data
    : never
  : undefined;
type Part<R, Name extends string> = R extends Readonly<Record<Name, infer S>> ? Parsed<S> : undefined;

/** Takes any query: for pages and probes, to which browsers and balancers add members of their own. */
export const anyQuery: Schema = { safeParse: (data) => ({ success: true, data }) };

/** The request that a handler of this route is given: parsed, validated and typed by the route's schemas. */
export type RequestOf<R extends Route> = HttpRequest<
  Part<R, 'params'>,
  Part<R, 'query'>,
  R extends { readonly stream: StreamBody } ? Readable : Part<R, 'body'>,
  R extends { readonly public: true }
    ? R extends { readonly callerIfAny: true }
      ? Caller | undefined
      : undefined
    : Caller
>;

export type Handler<R extends Route> = (request: RequestOf<R>) => Answer | Promise<Answer>;

export interface BoundRoute {
  readonly route: Route;
  readonly handle: (request: HttpRequest) => Answer | Promise<Answer>;
}

/** Ties a handler to its route; the schemas of the route say what the handler is given. */
export function bindRoute<const R extends Route>(route: R, handle: Handler<R>): BoundRoute {
  return { route, handle: handle as BoundRoute['handle'] };
}

/** The entity tag of a stream's revision. */
export const etagOf = (revision: number) => `"${revision}"`;
