import { Problem, type ProblemKind } from './problem.ts';

/** Beyond so many seconds OpenAI's clients do not heed `Retry-After`, and would try again at once. */
const LONGEST_HEEDED = 60;

/** A 429 that says when it is worth trying again; to who would wait too long for that, that it is not (WIRE.md, Errors). */
export function tooManyRequests(kind: ProblemKind, { detail, retryAfterMs, headers }: TooMany): Problem {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return new Problem(kind, {
    detail,
    headers: {
      ...headers,
      'retry-after': String(seconds),
      ...(seconds > LONGEST_HEEDED && { 'x-should-retry': 'false' }),
    },
  });
}

export interface TooMany {
  readonly detail: string;
  readonly retryAfterMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}
