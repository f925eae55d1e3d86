import { STATUS_CODES } from 'node:http';
import { type HttpProblem, type HttpProblems, Problem, type ProblemKind } from './problem.ts';

const BY_STATUS: Readonly<Record<number, HttpProblem>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'request-timeout',
  413: 'body-too-large',
  415: 'unsupported-media-type',
  422: 'invalid-request',
  429: 'too-many-requests',
};

/** What `ctx.throw` makes (the package http-errors, whichever copy of it). */
export interface HttpError extends Error {
  readonly status: number;
  /** Whether its message is for the caller. */
  readonly expose: boolean;
  readonly headers?: Readonly<Record<string, string | number>>;
}

export const isHttpError = (error: unknown): error is HttpError =>
  error instanceof Error &&
  'expose' in error &&
  typeof error.expose === 'boolean' &&
  'status' in error &&
  typeof error.status === 'number' &&
  'statusCode' in error &&
  error.statusCode === error.status;

/** What a middleware said with `ctx.throw`, as a problem: its message only where Koa would show it. */
export function problemOfHttpError(error: HttpError, problems: HttpProblems): Problem {
  const { status, expose, message, headers } = error;
  const code = BY_STATUS[status];
  return new Problem(code === undefined ? plainKind(status) : problems[code], {
    ...(expose && message !== '' && { detail: message }),
    // RFC 9110, section 15.5.2: a 401 says how one may sign in.
    headers: { ...(status === 401 && { 'www-authenticate': 'Bearer' }), ...textsOf(headers) },
    cause: error,
  });
}

/** A status that says all there is to say (RFC 9457, section 4.2.1). */
function plainKind(status: number): ProblemKind {
  const title = STATUS_CODES[status] ?? 'Unknown status';
  return { code: title.toLowerCase().replaceAll(/[^a-z]+/g, '-'), status, title, type: 'about:blank' };
}

const textsOf = (headers: HttpError['headers']) =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]));
