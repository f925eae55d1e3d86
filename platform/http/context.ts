// What the middlewares know of a request and tell each other, in Koa's own `ctx.state`.

import type Koa from 'koa';
import type { AccessClaims } from '../auth/access-token.ts';
import type { Problem } from './problem.ts';
import type { RateCount } from '../limits/rate-headers.ts';
import type { BoundRoute, Caller, HttpRequest } from './route.ts';

export interface HttpState {
  /** The correlation id; said by `requestId`. */
  requestId: string;
  /** A new span of the client's trace, if there is one; said by `requestId`. */
  traceparent?: string | undefined;
  /** The contract that the URL and the method mean, and its handler; said by the router. */
  bound?: BoundRoute;
  /** The path parameters as strings, decoded; said by the router. */
  pathParameters?: Readonly<Record<string, string>>;
  /** True: the credential looks like an access token; said by `accessTokens`. */
  tokenSent?: true;
  /** What koa-jwt read; `token` says the same in our words. */
  tokenPayload?: unknown;
  /** What koa-jwt found wrong. */
  jwtOriginalError?: unknown;
  /** What a valid access token says; said by `accessTokens`. */
  token?: AccessClaims;
  /** Said by `authentication`; undefined on a public route that nobody known has called. */
  caller?: Caller;
  /** Has the caller's standing looked at as long as this request is open; said by `stillIn`. */
  watch?: (ctx: Context) => void;
  /** Why the request is to end before its answer; said by `stillIn`. */
  ended?: Problem;
  /** JSON as it came, or the stream of a streamed body; said by `body`. */
  body?: unknown;
  /** What the handler is given; said by `validation`. */
  request?: HttpRequest;
  /** Of the limits that were counted, the one that leaves the least; said by `limitRequests`. */
  rate?: RateCount;
  /** Where a mount answered: its id, in the place of a route's. */
  mount?: string;
  /** The code of the problem that was the answer. */
  problem?: string;
}

export type Context = Koa.ParameterizedContext<HttpState>;
export type Middleware = Koa.Middleware<HttpState>;

/** The route's contract; only behind the router, which lets nothing pass without one. */
export function routeOf({ state }: Context): BoundRoute['route'] {
  if (state.bound === undefined) throw new Error('this middleware stands before the router');
  return state.bound.route;
}

/** Without the query, which may hold what people wrote; at most 500 characters. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return (end === -1 ? url : url.slice(0, end)).slice(0, 500);
}
