// What happens to a request, from the first middleware to the last. Up to the permission nothing reads a body, so that a
// stranger cannot make the server read one.

import Koa from 'koa';
import { problems } from '#contracts/problems.ts';
import { accessLog, type AccessLogOptions } from '#platform/http/access-log.ts';
import { body } from '#platform/http/body.ts';
import { clientAddress } from '#platform/http/client-address.ts';
import type { HttpState, Middleware } from '#platform/http/context.ts';
import { handler } from '#platform/http/handler.ts';
import { heldRequests, type HeldRequestsOptions } from '#platform/http/held-requests.ts';
import { type Mount, mount } from '#platform/http/mount.ts';
import { notFound } from '#platform/http/not-found.ts';
import { notedCaller } from '#platform/http/noted-caller.ts';
import { permission } from '#platform/http/permission.ts';
import type { Problem } from '#platform/http/problem.ts';
import { problemAnswers } from '#platform/http/problem-answers.ts';
import { requestId } from '#platform/http/request-id.ts';
import type { BoundRoute, Caller } from '#platform/http/route.ts';
import { router } from '#platform/http/router.ts';
import { securityHeaders } from '#platform/http/security-headers.ts';
import { unreadBody } from '#platform/http/unread-body.ts';
import { validation } from '#platform/http/validation.ts';
import type { Log } from '#platform/logging/log.ts';

export interface HttpAppParts {
  readonly routes: readonly BoundRoute[];
  /** Other handlers under paths of this server; a route comes first. */
  readonly mounts?: readonly Mount[];
  /** Proxies whose `X-Forwarded-For` says where a request comes from; none unless named. */
  readonly trustProxy?: readonly string[] | undefined;
  /** Say who is calling: `authentication(…)`, or any middlewares that set `ctx.state.caller`. */
  readonly authentication: Middleware | readonly Middleware[];
  /** Koa middlewares that bound what one address may ask, before anything is known of who asks; the route is known. */
  readonly limitPerAddress?: readonly Koa.Middleware[];
  /** Told of each caller that was let in. */
  readonly noteCaller?: (caller: Caller) => void;
  /** Koa middlewares that bound what one caller may ask; `ctx.state.caller` is known. */
  readonly limitPerCaller?: readonly Koa.Middleware[];
  /** How many requests one caller, and one tenant, may have waiting or streaming at once; any number unless named. */
  readonly heldAtOnce?: Pick<HeldRequestsOptions, 'perCaller' | 'perTenant'>;
  readonly log: Log;
  readonly access?: AccessLogOptions;
  /** The problem that an error from behind the handlers means, e.g. a busy store; undefined for an unexpected one. */
  readonly translate?: (error: unknown) => Problem | undefined;
  /** The longest JSON body in bytes where its route names no other; 2 MiB unless named. */
  readonly bodyLimit?: number;
  /** Milliseconds for a JSON body to arrive; a minute unless named. */
  readonly bodyTimeoutMs?: number;
  /** Checks each JSON answer against its route's schema, for tests: one that does not fit becomes a 500. */
  readonly checkAnswers?: boolean;
}

export function createHttpApp(parts: HttpAppParts): Koa<HttpState> {
  const {
    routes,
    mounts = [],
    limitPerAddress = [],
    limitPerCaller = [],
    log,
    translate,
    checkAnswers = false,
  } = parts;
  const { bodyLimit: limit = 2 * 1024 * 1024, bodyTimeoutMs: timeoutMs = 60_000 } = parts;
  const middlewares: readonly Koa.Middleware<HttpState>[] = [
    requestId(),
    ...(parts.trustProxy === undefined ? [] : [clientAddress(parts.trustProxy)]),
    ...(parts.access === undefined ? [] : [accessLog(parts.access)]),
    unreadBody({ limit }),
    problemAnswers({ problems, log, translate }),
    securityHeaders(),
    router(routes, problems),
    ...limitPerAddress,
    ...mounts.map(mount),
    notFound(problems),
    ...[parts.authentication].flat(),
    ...(parts.noteCaller === undefined ? [] : [notedCaller(parts.noteCaller)]),
    ...limitPerCaller,
    permission(problems),
    body(problems, { limit, timeoutMs }),
    validation(problems),
    ...(parts.heldAtOnce === undefined
      ? []
      : [heldRequests({ ...parts.heldAtOnce, problem: problems['too-many-requests'] })]),
    handler({ checkAnswers }),
  ];
  const app = new Koa<HttpState>();
  for (const middleware of middlewares) app.use(middleware);
  app.on('error', (error: Error, { state }: Koa.ParameterizedContext<HttpState>) => reportBroken(log, error, state));
  return app;
}

/** What Koa met behind the last middleware: an answer that broke off, most often because its client left. */
function reportBroken(log: Log, error: NodeJS.ErrnoException, { requestId: id }: HttpState): void {
  const isClients = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'client-too-slow'].includes(error.code ?? '');
  log[isClients ? 'debug' : 'warn']({ err: error, requestId: id }, 'an answer broke off');
}
