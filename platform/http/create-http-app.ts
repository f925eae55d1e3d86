// The request loop: request id → route → authenticate → authorise → body → validate → handler → answer. One Koa
// middleware, since each step needs what the one before it found. Steps up to the permission read no body, so a stranger
// cannot make the server read 2 MiB. An unknown path is 404 whoever asks: the routes are public knowledge (/openapi.json).

import { performance } from 'node:perf_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import Koa from 'koa';
import type { Log } from '../logging/log.ts';
import { JsonFault, parseJsonBody } from './json-body.ts';
import { isClosing } from './linger.ts';
import { type FloorProblems, Problem } from './problem.ts';
import { parseQueryString } from './query-string.ts';
import { announcedLength, BodyTooLarge, ClientGone, readBody } from './read-body.ts';
import { renderProblem } from './render-problem.ts';
import {
  readConsistencyToken,
  readIdempotencyKey,
  readIfMatch,
  requireJson,
  saneRequestId,
} from './request-headers.ts';
import type { Answer, BoundRoute, Caller, HttpRequest, Route } from './route.ts';
import { createRouter, type Match } from './router.ts';
import { createSecurityHeaders } from './security-headers.ts';
import { sendAnswer } from './send-answer.ts';
import { continueTrace } from './traceparent.ts';
import { faultsOf, validate } from './validate.ts';
import { clientSignal } from './client-signal.ts';

/** What is known of one request when it is over: for the access log and the metrics. */
export interface AccessRecord {
  readonly requestId: string;
  readonly method: string;
  /** Without the query, which may hold what people wrote. */
  readonly path: string;
  readonly routeId: string | undefined;
  /** 499 when the client left before the answer began. */
  readonly status: number;
  readonly durationMs: number;
  readonly tenantId: string | undefined;
  readonly actorId: string | undefined;
  readonly remoteAddress: string;
  readonly userAgent: string | undefined;
  /** The problem's code, if the answer was one. */
  readonly problem: string | undefined;
  /** The client left, or was cut off, before it had the whole answer. */
  readonly aborted: boolean;
}

export interface HttpAppOptions {
  readonly routes: readonly BoundRoute[];
  readonly problems: FloorProblems;
  /** Undefined: the credential is missing or not valid (401). May throw a Problem. */
  readonly authenticate: (request: IncomingMessage) => Caller | undefined | Promise<Caller | undefined>;
  readonly log: Log;
  readonly onRequest?: () => void;
  /** Called once per request, when its answer has been sent or its client has left. */
  readonly onAnswer?: (record: AccessRecord) => void;
  /** The problem that an error of the floor's other rooms means, e.g. a busy store; undefined for an unexpected one. */
  readonly translate?: (error: unknown) => Problem | undefined;
  /** The longest body in bytes; 2 MiB unless named. */
  readonly bodyLimit?: number;
  /** Checks each JSON answer against its route's schema, for tests: one that does not fit becomes a 500. */
  readonly checkAnswers?: boolean;
}

const BODY_LIMIT = 2 * 1024 * 1024;

/** What is found out about a request on its way. */
interface Progress {
  readonly requestId: string;
  readonly startedAt: number;
  readonly path: string;
  route: Route | undefined;
  caller: Caller | undefined;
  problem: string | undefined;
}

export function createHttpApp(options: HttpAppOptions): Koa {
  const { problems, log, bodyLimit = BODY_LIMIT } = options;
  for (const { route } of options.routes) {
    if (!route.public && route.permission === undefined) throw new Error(`${route.id} names no permission`);
  }
  const router = createRouter(options.routes);
  const security = createSecurityHeaders();

  const findRoute = (req: IncomingMessage, url: string): Match | Answer => {
    const match = router.match(req.method ?? '', url);
    if (match === 'malformed') throw new Problem(problems['malformed-url']);
    if (match !== undefined) return match;
    const allowed = router.allowed(url);
    if (allowed.length === 0) throw new Problem(problems['not-found'], { detail: 'There is nothing at this path.' });
    const allow = allowed.join(', ');
    if (req.method === 'OPTIONS') return { status: 204, headers: { allow } };
    throw new Problem(problems['method-not-allowed'], { detail: `Allowed here: ${allow}.`, headers: { allow } });
  };

  const admit = async (req: IncomingMessage, route: Route): Promise<Caller | undefined> => {
    if (route.public) return undefined;
    const pending = options.authenticate(req);
    const caller = pending instanceof Promise ? await pending : pending;
    if (caller === undefined) {
      const sent = req.headers.authorization !== undefined;
      throw new Problem(problems.unauthorized, {
        detail: sent ? 'The credential is not valid.' : 'Send an API key: Authorization: Bearer dft_…',
        headers: { 'www-authenticate': sent ? 'Bearer error="invalid_token"' : 'Bearer' },
      });
    }
    if (!caller.permissions.has(route.permission ?? '')) {
      throw new Problem(problems.forbidden, { detail: `This needs the permission ${route.permission}.` });
    }
    return caller;
  };

  const readJson = async (req: IncomingMessage, { bodyOptional }: Route): Promise<unknown> => {
    if (announcedLength(req) !== 0) requireJson(req.headers, problems);
    try {
      const bytes = await readBody(req, bodyLimit);
      if (bytes.length === 0 && bodyOptional) return {};
      if (bytes.length === 0) throw new Problem(problems['body-missing'], { detail: 'Send a JSON body.' });
      return parseJsonBody(bytes);
    } catch (error) {
      if (error instanceof BodyTooLarge) {
        throw new Problem(problems['body-too-large'], { detail: `The limit is ${bodyLimit} bytes.` });
      }
      if (error instanceof JsonFault) throw new Problem(problems['malformed-json'], { detail: error.message });
      throw error;
    }
  };

  const pathParameters = (route: Route, params: unknown): unknown => {
    if (route.params === undefined || route.method === 'PUT') return validate(route.params, params, 'path', problems);
    // What cannot be a name of anything names nothing; only PUT, which would make it, says what is wrong with it.
    const result = route.params.safeParse(params);
    if (result.success) return result.data;
    throw new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
  };

  const queryParameters = (route: Route, text: string): unknown => {
    if (route.query === undefined) return undefined;
    const fields = parseQueryString(text);
    if (fields === undefined)
      throw new Problem(problems['malformed-url'], { detail: 'The query is not percent-encoded.' });
    return validate(route.query, fields, 'query', problems);
  };

  const answerTo = async (
    req: IncomingMessage,
    res: ServerResponse,
    url: string,
    progress: Progress,
  ): Promise<Answer> => {
    const found = findRoute(req, url);
    if (!('bound' in found)) return found;
    const { route, handle } = found.bound;
    progress.route = route;
    const caller = await admit(req, route);
    progress.caller = caller;
    const { headers } = req;
    const params = pathParameters(route, found.params);
    const query = queryParameters(route, found.queryString);
    const idempotencyKey = route.idempotent ? readIdempotencyKey(headers, problems) : undefined;
    const consistencyToken = readConsistencyToken(headers, problems);
    const ifMatch = route.ifMatch ? readIfMatch(headers, problems) : undefined;
    const body =
      route.body === undefined ? undefined : validate(route.body, await readJson(req, route), 'body', problems);
    const request: HttpRequest = {
      route,
      requestId: progress.requestId,
      traceparent: headers.traceparent === undefined ? undefined : continueTrace(headers.traceparent),
      caller,
      params,
      query,
      body,
      headers,
      idempotencyKey,
      consistencyToken,
      ifMatch,
      remoteAddress: req.socket.remoteAddress ?? '',
      get signal() {
        return clientSignal(res);
      },
    };
    const answer = await handle(request);
    if (options.checkAnswers) checkAnswer(route, answer);
    return answer;
  };

  const problemOf = (error: unknown, progress: Progress): Problem => {
    if (error instanceof Problem) return error;
    const known = options.translate?.(error);
    if (known !== undefined) {
      const fields = { err: error, requestId: progress.requestId, routeId: progress.route?.id };
      if (known.status >= 500) log.warn(fields, 'a request could not be served now');
      return known;
    }
    log.error({ err: error, requestId: progress.requestId, routeId: progress.route?.id }, 'a request failed');
    return new Problem(problems['internal-server-error'], { detail: 'Internal Server Error' });
  };

  const serve = async (req: IncomingMessage, res: ServerResponse, url: string): Promise<void> => {
    if (isClosing(req.socket)) {
      // Pipelined behind an answer that ended the connection: the client will send it again, so it must not happen now.
      res.destroy();
      return;
    }
    options.onRequest?.();
    const progress: Progress = {
      requestId: saneRequestId(req.headers['x-request-id']) ?? randomUUID(),
      startedAt: performance.now(),
      path: pathOf(url),
      route: undefined,
      caller: undefined,
      problem: undefined,
    };
    if (options.onAnswer) res.once('close', () => options.onAnswer?.(recordOf(req, res, progress)));
    const sending = {
      security,
      requestId: progress.requestId,
      bodyLimit,
      onStreamError: (error: Error) => log.warn({ err: error, requestId: progress.requestId }, 'a stream broke off'),
    };
    const sendProblem = (error: unknown) => {
      if (error instanceof ClientGone) {
        res.destroy();
        return;
      }
      const problem = problemOf(error, progress);
      progress.problem = problem.code;
      if (res.destroyed) return;
      sendAnswer(req, res, renderProblem(problem, progress), sending);
    };
    try {
      const answer = await answerTo(req, res, url, progress);
      if (res.destroyed) {
        answer.stream?.destroy();
        return;
      }
      sendAnswer(req, res, answer, sending);
    } catch (error) {
      if (res.headersSent) {
        log.error({ err: error, requestId: progress.requestId }, 'an answer broke off');
        res.destroy();
      } else {
        sendProblem(error);
      }
    }
  };

  const app = new Koa();
  // Koa's own handler would write an answer of its own when a client's connection breaks.
  Object.assign(app.context, {
    onerror(this: Koa.Context, error: Error | null) {
      if (error === null) return;
      log.debug({ err: error }, 'a connection broke');
      this.res.destroy();
    },
  });
  app.use(async (ctx) => {
    ctx.respond = false;
    await serve(ctx.req, ctx.res, ctx.req.url ?? '/');
  });
  return app;
}

const pathOf = (url: string) => {
  const end = url.search(/[?#]/);
  return (end === -1 ? url : url.slice(0, end)).slice(0, 500);
};

function recordOf(req: IncomingMessage, res: ServerResponse, progress: Progress): AccessRecord {
  return {
    requestId: progress.requestId,
    method: req.method ?? '',
    path: progress.path,
    routeId: progress.route?.id,
    status: res.headersSent ? res.statusCode : 499,
    durationMs: performance.now() - progress.startedAt,
    tenantId: progress.caller?.tenantId,
    actorId: progress.caller?.actor.id,
    remoteAddress: req.socket.remoteAddress ?? '',
    userAgent: req.headers['user-agent']?.slice(0, 200),
    problem: progress.problem,
    aborted: !res.writableFinished,
  };
}

function checkAnswer(route: Route, answer: Answer): void {
  if (route.answers === undefined) return;
  const promised = route.answers[answer.status];
  if (promised === undefined)
    throw new Error(`${route.id} answered ${answer.status}, which its contract does not name`);
  if (promised.schema === undefined || answer.body === undefined) return;
  const result = promised.schema.safeParse(JSON.parse(JSON.stringify(answer.body)));
  if (!result.success) {
    throw new Error(
      `${route.id} answered ${answer.status} unlike its contract: ${JSON.stringify(faultsOf(result.error.issues, 'body'))}`,
    );
  }
}
