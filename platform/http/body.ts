import type Koa from 'koa';
import { openBodyStream } from './body-stream.ts';
import { type Context, type Middleware, routeOf } from './context.ts';
import { JsonFault, parseJsonBody, ProtoMember } from './json-body.ts';
import { requireMediaType } from './media-type.ts';
import { type HttpProblems, Problem } from './problem.ts';
import { announcedLength, BodyTooLarge, BodyTooSlow, readBody } from './read-body.ts';
import type { Route, StreamBody } from './route.ts';
import { unknownMember } from './validate.ts';

export interface BodyOptions {
  /** The longest JSON body in bytes where its route names no other. */
  readonly limit: number;
  /** Milliseconds for a whole JSON body to arrive. */
  readonly timeoutMs: number;
}

const JSON_TYPES = ['application/json'];

/** Reads what the route's contract says of its body: JSON whole, a stream as it arrives, else nothing. */
export function body(problems: HttpProblems, options: BodyOptions): Middleware {
  return async (ctx, next) => {
    const route = routeOf(ctx);
    if (route.stream !== undefined) return streamed(ctx, route.stream, next, problems);
    if (route.body !== undefined) ctx.state.body = await readJson(ctx, route, options, problems);
    return next();
  };
}

/** What a body was refused for, as a problem; undefined for an error of another kind. */
export function problemOfBody(error: unknown, problems: HttpProblems): Problem | undefined {
  if (error instanceof BodyTooLarge)
    return new Problem(problems['body-too-large'], { detail: `The limit is ${error.limit} bytes.` });
  if (error instanceof BodyTooSlow)
    return new Problem(problems['request-timeout'], { detail: 'The body stayed away.' });
  if (error instanceof JsonFault) return new Problem(problems['malformed-json'], { detail: error.message });
  if (error instanceof ProtoMember)
    return new Problem(problems['invalid-request'], { errors: [unknownMember(error.path, 'body')] });
  return undefined;
}

async function readJson({ req, res }: Context, route: Route, options: BodyOptions, problems: HttpProblems) {
  if (announcedLength(req) !== 0) requireMediaType(req.headers, JSON_TYPES, problems);
  const bytes = await readBody(req, res, { ...options, limit: route.bodyLimit ?? options.limit });
  if (bytes.length === 0 && route.bodyOptional) return {};
  if (bytes.length === 0) throw new Problem(problems['body-missing'], { detail: 'Send a JSON body.' });
  return parseJsonBody(bytes);
}

async function streamed(ctx: Context, stream: StreamBody, next: Koa.Next, problems: HttpProblems) {
  const { req, res, state } = ctx;
  requireMediaType(req.headers, stream.contentTypes, problems);
  const opened = openBodyStream(req, res, stream);
  state.body = opened;
  try {
    await next();
  } finally {
    opened.destroy();
  }
}
