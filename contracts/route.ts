// What one route of the HTTP border is: said once, read by the APIs, the OpenAPI document, the tests and the dashboard.

import type { ZodType } from 'zod';
import type { Permission } from './permissions.ts';
import type { ProblemCode } from './problems.ts';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What an answer of this status holds. */
export interface RouteAnswer {
  readonly description: string;
  /** The JSON body; absent for an answer without one. */
  readonly schema?: ZodType;
  /** `application/json` unless named. */
  readonly contentType?: string;
  /** The same in other forms that a caller may ask for, by content type. */
  readonly alternatives?: Readonly<Record<string, { readonly schema: ZodType; readonly example?: unknown }>>;
  /** Header names of `headers.ts`, besides those that every answer has. */
  readonly headers?: readonly string[];
  readonly example?: unknown;
}

export interface RouteContract {
  /** camelCase, unique among all routes: the operationId. */
  readonly id: string;
  readonly method: HttpMethod;
  /** An OpenAPI path template, e.g. `/v1/models/{name}/defaults`. */
  readonly path: string;
  /** Which of the two APIs serves it. */
  readonly side: 'command' | 'query';
  /** Required unless `public` or `anyCaller`. */
  readonly permission?: Permission;
  /** The path parameter that names the tenant in which the permission is checked; the caller's own unless named. */
  readonly tenantFrom?: { readonly path: string };
  /** True: no credential is asked for. */
  readonly public?: true;
  /** On a public route: a valid credential says who is calling, and anything else is as none. */
  readonly callerIfAny?: true;
  /** True: a valid credential is enough. */
  readonly anyCaller?: true;
  /** Open also to a person who must set a new password first, as nothing else is. */
  readonly whilePasswordIsDue?: true;
  /** The heading under which documents list it. */
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: ZodType;
  /** The one path parameter that may contain `/`, percent-encoded or not. */
  readonly slashes?: string;
  /** Without it no query is taken. */
  readonly query?: ZodType;
  /** Of JSON. */
  readonly body?: ZodType;
  /** True: no body stands for `{}`. */
  readonly bodyOptional?: true;
  /** Bytes of JSON, where it is not the 2 MiB of every route. */
  readonly bodyLimit?: number;
  /** A body that is never held whole (multipart, NDJSON), in the place of JSON; at most so many bytes, and not idle for longer. */
  readonly stream?: { readonly contentTypes: readonly string[]; readonly limit: number; readonly idleMs: number };
  readonly bodyExample?: unknown;
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  /** Problems particular to this route; those that every route of its kind can give are added by `openapi.ts`. */
  readonly problems?: readonly ProblemCode[];
  /** True: an `Idempotency-Key` is honoured. */
  readonly idempotent?: true;
  /** True: the revision in `If-Match` is honoured. */
  readonly ifMatch?: true;
  /** True: errors also carry OpenAI's `error` member. */
  readonly openai?: true;
}

/** The routes of one area by their ids. */
export type RouteTable = Readonly<Record<string, Omit<RouteContract, 'id' | 'tag'>>>;

/** Gives each route of a table the id that it stands under there, and the heading that all of them share. */
export const routesUnder = <const Table extends RouteTable>(tag: string, table: Table) =>
  Object.fromEntries(Object.entries(table).map(([id, route]) => [id, { ...route, id, tag }])) as {
    readonly [Id in keyof Table & string]: Table[Id] & { readonly id: Id; readonly tag: string };
  };
