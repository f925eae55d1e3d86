import type { Middleware } from './context.ts';
import type { Caller } from './route.ts';

/** Tells of each caller that was let in; what it is told to must cost next to nothing. */
export function notedCaller(note: (caller: Caller) => void): Middleware {
  return (ctx, next) => {
    if (ctx.state.caller) note(ctx.state.caller);
    return next();
  };
}
