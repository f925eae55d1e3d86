import type { IncomingMessage } from 'node:http';
import type { Authentication } from '../auth/authenticate.ts';
import { type Middleware, routeOf } from './context.ts';
import { type HttpProblems, Problem } from './problem.ts';

export type Authenticate = (request: IncomingMessage) => Authentication | Promise<Authentication>;

const HINTS: Readonly<Record<string, string>> = {
  missing: 'Send an API key: Authorization: Bearer dft_…',
  malformed: 'Send the API key behind the word Bearer: Authorization: Bearer dft_…',
};

/** Says who is calling in `ctx.state.caller`, or answers 401; public routes ask nobody. */
export function authentication(authenticate: Authenticate, problems: HttpProblems): Middleware {
  return async (ctx, next) => {
    if (!routeOf(ctx).public) {
      const pending = authenticate(ctx.req);
      const found = pending instanceof Promise ? await pending : pending;
      if (!found.ok) throw unauthorized(found.reason, problems);
      ctx.state.caller = found.caller;
    }
    return next();
  };
}

function unauthorized(reason: string, problems: HttpProblems): Problem {
  const hint = HINTS[reason];
  return new Problem(problems.unauthorized, {
    detail: hint ?? 'The credential is not valid.',
    headers: { 'www-authenticate': hint === undefined ? 'Bearer error="invalid_token"' : 'Bearer' },
  });
}
