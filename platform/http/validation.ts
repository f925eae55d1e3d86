import { clientSignal } from './client-signal.ts';
import { type Context, type Middleware, routeOf } from './context.ts';
import { type HttpProblems, Problem } from './problem.ts';
import { parseQueryString } from './query-string.ts';
import { readConsistencyToken, readIdempotencyKey, readIfMatch } from './request-headers.ts';
import type { Route } from './route.ts';
import { unknownMember, validate } from './validate.ts';

/** Makes what came into what the handler is given, typed by the contract's schemas; what does not fit is refused. */
export function validation(problems: HttpProblems): Middleware {
  return (ctx, next) => {
    const route = routeOf(ctx);
    const { req, res, state } = ctx;
    const { headers } = req;
    state.request = {
      route,
      requestId: state.requestId,
      traceparent: state.traceparent,
      caller: state.caller,
      params: pathParameters(route, state.pathParameters, problems),
      query: queryParameters(route, ctx.querystring, problems),
      body: route.body === undefined ? state.body : validate(route.body, state.body, 'body', problems),
      headers,
      idempotencyKey: route.idempotent ? readIdempotencyKey(headers, problems) : undefined,
      consistencyToken: readConsistencyToken(headers, problems),
      ifMatch: route.ifMatch ? readIfMatch(headers, problems) : undefined,
      remoteAddress: ctx.ip,
      get signal() {
        state.watch?.(ctx);
        return clientSignal(res);
      },
    };
    return next();
  };
}

function pathParameters(route: Route, params: Context['state']['pathParameters'], problems: HttpProblems): unknown {
  if (route.params === undefined || route.method === 'PUT') return validate(route.params, params, 'path', problems);
  // What cannot be a name of anything names nothing; only PUT, which would make it, says what is wrong with it.
  const result = route.params.safeParse(params);
  if (result.success) return result.data;
  throw new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
}

function queryParameters(route: Route, text: string, problems: HttpProblems): unknown {
  if (route.query === undefined && text === '') return undefined;
  const fields = parseQueryString(text);
  if (fields === undefined)
    throw new Problem(problems['malformed-url'], { detail: 'The query is not percent-encoded.' });
  if (route.query !== undefined) return validate(route.query, fields, 'query', problems);
  const errors = Object.keys(fields).map((name) => unknownMember([name], 'query'));
  if (errors.length > 0) throw new Problem(problems['invalid-request'], { errors });
  return undefined;
}
