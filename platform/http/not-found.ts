import type { Middleware } from './context.ts';
import { type HttpProblems, Problem } from './problem.ts';

/** An unknown path is 404 whoever asks: the routes are public knowledge (`/openapi.json`). */
export const notFound =
  (problems: HttpProblems): Middleware =>
  (ctx, next) => {
    if (ctx.state.bound !== undefined) return next();
    throw new Problem(problems['not-found'], { detail: 'There is nothing at this path.' });
  };
