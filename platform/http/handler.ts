import { type Middleware, routeOf } from './context.ts';
import { putAnswer } from './put-answer.ts';
import type { Answer, Route } from './route.ts';
import { faultsOf } from './validate.ts';

export interface HandlerOptions {
  /** Checks each JSON answer against its route's schema, for tests: one that does not fit becomes a 500. */
  readonly checkAnswers: boolean;
}

/** Calls the route's handler and makes its answer Koa's. */
export function handler({ checkAnswers }: HandlerOptions): Middleware {
  return async (ctx) => {
    const { bound, request } = ctx.state;
    if (bound === undefined || request === undefined) throw new Error('the handler stands before validation');
    const answer = await bound.handle(request);
    if (ctx.state.ended !== undefined) throw ctx.state.ended;
    if (checkAnswers) checkAnswer(routeOf(ctx), answer);
    putAnswer(ctx, answer);
    if (answer.stream !== undefined) ctx.state.watch?.(ctx);
  };
}

function checkAnswer(route: Route, answer: Answer): void {
  if (route.answers === undefined) return;
  const promised = route.answers[answer.status];
  if (promised === undefined)
    throw new Error(`${route.id} answered ${answer.status}, which its contract does not name`);
  if (promised.schema === undefined || answer.body === undefined) return;
  const result = promised.schema.safeParse(JSON.parse(JSON.stringify(answer.body)));
  if (!result.success) {
    const faults = JSON.stringify(faultsOf(result.error.issues, 'body'));
    throw new Error(`${route.id} answered ${answer.status} unlike its contract: ${faults}`);
  }
}
