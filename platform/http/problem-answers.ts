import type { IncomingMessage } from 'node:http';
import type { Log } from '../logging/log.ts';
import { pause } from '../patience/back-off.ts';
import { problemOfBody } from './body.ts';
import { type Context, type Middleware, pathOf } from './context.ts';
import { isHttpError, problemOfHttpError } from './http-error.ts';
import { type HttpProblems, Problem } from './problem.ts';
import { putAnswer } from './put-answer.ts';
import { ClientGone } from './read-body.ts';
import { renderProblem } from './render-problem.ts';

export interface ProblemAnswersOptions {
  readonly problems: HttpProblems;
  readonly log: Log;
  /** The problem that an error from behind the handlers means, e.g. a busy store; undefined for an unexpected one. */
  readonly translate?: ((error: unknown) => Problem | undefined) | undefined;
}

/** Who asks again as soon as it is answered takes less from others the later it is refused. */
const REFUSED_AFTER_MS = 250;

/**
 * Whatever is thrown behind it becomes an `application/problem+json`: a Problem, what `ctx.throw` made, what `translate`
 * knows. Of anything else the caller learns the request id, the log the rest.
 */
export function problemAnswers(options: ProblemAnswersOptions): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      answerProblem(ctx, error, options);
      if (ctx.state.problem !== undefined && ctx.status === 429) await pause(REFUSED_AFTER_MS);
    }
  };
}

function answerProblem(ctx: Context, error: unknown, options: ProblemAnswersOptions): void {
  const { req, res, state } = ctx;
  if (error instanceof ClientGone) {
    leave(ctx);
    return;
  }
  if (hasLeft(req)) {
    options.log.debug({ err: error, requestId: state.requestId }, 'a client left before it had sent its body');
    leave(ctx);
    return;
  }
  if (res.headersSent) {
    options.log.error({ err: error, requestId: state.requestId }, 'an answer broke off');
    leave(ctx);
    return;
  }
  const problem = problemOf(error, state, options);
  state.problem = problem.code;
  if (res.destroyed) return;
  // A mount that failed had taken the answer upon itself.
  ctx.respond = true;
  const path = pathOf(req.url ?? '');
  putAnswer(ctx, renderProblem(problem, { path, requestId: state.requestId, route: state.bound?.route }));
}

/** Whether the connection, and not who read it, ended the body before it was whole: any reader fails by that. */
function hasLeft(req: IncomingMessage): boolean {
  const error: NodeJS.ErrnoException | null = req.errored;
  return !req.complete && error?.code === 'ECONNRESET';
}

/** There is no one to answer, or no way to. */
function leave(ctx: Context): void {
  ctx.respond = false;
  ctx.res.destroy();
}

function problemOf(error: unknown, state: Context['state'], options: ProblemAnswersOptions): Problem {
  const { problems, log, translate } = options;
  if (error instanceof Problem) return error;
  const fields = { err: error, requestId: state.requestId, routeId: state.bound?.route.id };
  const said = isHttpError(error) ? problemOfHttpError(error, problems) : problemOfBody(error, problems);
  const known = said ?? translate?.(error);
  if (known !== undefined) {
    if (known.status >= 500) log.warn(fields, 'a request could not be served now');
    return known;
  }
  log.error(fields, 'a request failed');
  return new Problem(problems['internal-server-error'], { detail: 'Internal Server Error' });
}
