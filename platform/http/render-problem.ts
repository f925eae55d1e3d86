import type { Problem } from './problem.ts';
import type { Answer, Route } from './route.ts';
import { partsOfPointer } from '../json-pointer.ts';

/** OpenAI's word for a kind of error, by status. */
function openaiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** `/messages/0/content` is `messages.0.content`. */
const paramOf = (problem: Problem) => {
  const pointer = problem.errors?.[0]?.pointer;
  return pointer ? partsOfPointer(pointer).join('.') : null;
};

/** The body of a problem (RFC 9457); on OpenAI-shaped routes with OpenAI's four-member `error` beside it. */
export function renderProblem(
  problem: Problem,
  context: { readonly path: string; readonly requestId: string; readonly route: Route | undefined },
): Answer {
  const { code, status, title, type, detail, errors } = problem;
  const openai = context.route?.openai
    ? { error: { message: detail ?? title, type: openaiType(status), param: paramOf(problem), code } }
    : {};
  return {
    status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8', ...problem.headers },
    body: {
      ...problem.extra,
      type,
      title,
      status,
      ...(detail === undefined ? {} : { detail }),
      instance: context.path,
      code,
      requestId: context.requestId,
      ...(errors === undefined ? {} : { errors }),
      ...openai,
    },
  };
}
