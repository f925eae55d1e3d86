import type { IncomingMessage } from 'node:http';
import type { Authentication, Refusal } from '../auth/authenticate.ts';
import { type HttpState, type Middleware, routeOf } from './context.ts';
import { type HttpProblem, type HttpProblems, Problem, type ProblemDetails } from './problem.ts';

/** What `accessTokens` has found out before it. */
export type TokenFound = Pick<HttpState, 'token' | 'tokenSent' | 'jwtOriginalError'>;

export type Authenticate = (
  request: Pick<IncomingMessage, 'headers'>,
  found: TokenFound,
) => Authentication | Promise<Authentication>;

/** Says who is calling in `ctx.state.caller`, or refuses; public routes ask nobody, or whoever lets himself be known. */
export function authentication(authenticate: Authenticate, problems: HttpProblems): Middleware {
  return async (ctx, next) => {
    const route = routeOf(ctx);
    if (!route.public || route.callerIfAny) {
      const pending = authenticate(ctx.req, ctx.state);
      const found = pending instanceof Promise ? await pending : pending;
      if (found.ok) ctx.state.caller = found.caller;
      else if (!route.public) throw problemOfRefusal(found, problems);
    }
    return next();
  };
}

const HINT = { 'www-authenticate': 'Bearer' } as const;
const INVALID = { 'www-authenticate': 'Bearer error="invalid_token"' } as const;

const TENANT_HEADER = { in: 'header', pointer: '/x-tenant-id', message: 'is not the id of a tenant' } as const;

const ANSWERS: Readonly<Record<Refusal, readonly [HttpProblem, ProblemDetails]>> = {
  missing: [
    'unauthorized',
    { detail: 'Send an API key or an access token: Authorization: Bearer dft_…', headers: HINT },
  ],
  malformed: [
    'unauthorized',
    { detail: 'Send the API key behind the word Bearer: Authorization: Bearer dft_…', headers: HINT },
  ],
  unknown: ['unauthorized', { detail: 'The credential is not valid.', headers: INVALID }],
  revoked: ['unauthorized', { detail: 'The credential is not valid.', headers: INVALID }],
  expired: ['unauthorized', { detail: 'The credential is not valid.', headers: INVALID }],
  'token-expired': [
    'unauthorized',
    { detail: 'The access token has expired; POST /v1/auth/refresh gives another.', headers: INVALID },
  ],
  'session-ended': ['unauthorized', { detail: 'The session has ended.', headers: INVALID }],
  'malformed-tenant': ['malformed-header', { errors: [TENANT_HEADER] }],
  'no-part': ['forbidden', { detail: 'You have no part in this tenant.' }],
  suspended: ['tenant-suspended', { detail: 'The tenant is suspended.' }],
};

/** What the caller is told. */
export function problemOfRefusal(
  { reason, detail }: Extract<Authentication, { readonly ok: false }>,
  problems: HttpProblems,
): Problem {
  const [code, details] = ANSWERS[reason];
  return new Problem(problems[code], { ...details, ...(detail !== undefined && { detail }) });
}
