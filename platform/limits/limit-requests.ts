// A Koa middleware that bounds what may be asked within a minute, counted by koa-ratelimit. Several limits may hold for one
// request; the client is told of the one that leaves it least.

import ratelimit from 'koa-ratelimit';
import type { Context, Middleware } from '../http/context.ts';
import type { ProblemKind } from '../http/problem.ts';
import { tooManyRequests } from '../http/too-many-requests.ts';
import { type RateCount, rateHeaders, WINDOW_SECONDS } from './rate-headers.ts';
import type { RateStore } from './rate-store.ts';

export interface Rate {
  /** Who is counted; what is counted together has the same id. */
  readonly id: string;
  readonly perMinute: number;
  /** Completes "… may send so many requests a minute". */
  readonly who: string;
}

export interface LimitRequestsOptions {
  readonly store: RateStore;
  /** Of a request that is refused. */
  readonly problem: ProblemKind;
  /** The limits that hold for this request; undefined for none, which costs nothing. */
  readonly ratesOf: (ctx: Context) => readonly Rate[] | undefined;
}

/** The names under which koa-ratelimit says in the answer's headers what it counted. */
const COUNTED = {
  total: 'x-ratelimit-limit-requests',
  remaining: 'x-ratelimit-remaining-requests',
  reset: 'x-ratelimit-reset-requests',
} as const;

export function limitRequests({ store, problem, ratesOf }: LimitRequestsOptions): Middleware {
  return (ctx, next) => {
    const rates = ratesOf(ctx);
    return rates === undefined ? next() : within(ctx, rates, next);
  };

  async function within(ctx: Context, rates: readonly Rate[], next: () => Promise<void>): Promise<void> {
    await countAll(ctx, rates);
    return next();
  }

  async function countAll(ctx: Context, rates: readonly Rate[]): Promise<void> {
    for (const rate of rates) {
      const { isOver, ...count } = await countOne(ctx, rate, store);
      const before = ctx.state.rate;
      const told = before === undefined || count.remaining <= before.remaining ? count : before;
      ctx.state.rate = told;
      ctx.set(rateHeaders(told));
      if (!isOver) continue;
      throw tooManyRequests(problem, {
        detail: `${rate.who} may send ${rate.perMinute} request${rate.perMinute === 1 ? '' : 's'} a minute.`,
        retryAfterMs: count.resetSeconds * 1_000,
      });
    }
  }
}

async function countOne(
  ctx: Context,
  { id, perMinute }: Rate,
  { counting }: RateStore,
): Promise<RateCount & { readonly isOver: boolean }> {
  let isOver = true;
  const count = ratelimit({
    ...counting,
    id: () => id,
    max: perMinute,
    duration: WINDOW_SECONDS * 1_000,
    headers: COUNTED,
  });
  await count(ctx, () => {
    isOver = false;
    return Promise.resolve();
  });
  const number = (name: keyof typeof COUNTED) => Number(ctx.response.get(COUNTED[name]));
  // In seconds since the epoch, rounded down where Redis counts.
  const seconds = Math.ceil(number('reset') + 1 - Date.now() / 1_000);
  return {
    limit: perMinute,
    remaining: number('remaining'),
    resetSeconds: Math.min(Math.max(seconds, 1), WINDOW_SECONDS),
    isOver,
  };
}
