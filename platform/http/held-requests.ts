// Requests that are answered late: streams of events, exports, and those that wait. Each takes room here for as long as it is open,
// so a caller, and a tenant, may have so many at once.

import { type Context, type Middleware, routeOf } from './context.ts';
import type { ProblemKind } from './problem.ts';
import { tooManyRequests } from './too-many-requests.ts';

export interface HeldRequestsOptions {
  /** At once, of one key or person. */
  readonly perCaller: number;
  /** At once, of all keys and people of a tenant. */
  readonly perTenant: number;
  /** Of a request that is refused. */
  readonly problem: ProblemKind;
}

const RETRY_AFTER_MS = 5_000;

/** Stands behind the validation, which says whether a request wants to wait. */
export function heldRequests({ perCaller, perTenant, problem }: HeldRequestsOptions): Middleware {
  const held = new Map<string, number>();
  const heldBy = (id: string) => held.get(id) ?? 0;
  const add = (id: string, count: number) => {
    const now = heldBy(id) + count;
    if (now > 0) held.set(id, now);
    else held.delete(id);
  };

  return (ctx, next) => {
    const { caller, request } = ctx.state;
    if (caller === undefined || request === undefined || !isHeld(ctx)) return next();
    const { actor, tenantId } = caller;
    const own = `${actor.kind}:${actor.id}`;
    const ofTenant = `tenant:${tenantId}`;
    if (heldBy(own) >= perCaller || heldBy(ofTenant) >= perTenant)
      throw tooManyRequests(problem, {
        detail: `At most ${perCaller} requests of yours, and ${perTenant} of your tenant, may wait or stream at once.`,
        retryAfterMs: RETRY_AFTER_MS,
      });
    const { signal } = request;
    if (signal.aborted) return next();
    for (const id of [own, ofTenant]) add(id, 1);
    const letGo = () => {
      for (const id of [own, ofTenant]) add(id, -1);
    };
    // Also when the answer has been sent whole.
    signal.addEventListener('abort', letGo, { once: true });
    return next();
  };
}

const STREAMED: ReadonlySet<string> = new Set(['text/event-stream', 'application/x-ndjson']);

function isHeld(ctx: Context): boolean {
  if (STREAMED.has(routeOf(ctx).answers?.[200]?.contentType ?? '')) return true;
  const query = ctx.state.request?.query;
  return typeof query === 'object' && query !== null && 'wait' in query && query.wait !== undefined;
}
