import { type Context, type Middleware, routeOf } from './context.ts';
import { type HttpProblems, Problem } from './problem.ts';
import type { Caller } from './route.ts';

/**
 * Lets pass who holds the route's permission in the tenant that its contract names: the request's, or the one in the path.
 * What is in a tenant where the caller has no part is answered as what is not there.
 */
export function permission(problems: HttpProblems): Middleware {
  return (ctx, next) => {
    const { caller } = ctx.state;
    if (caller === undefined) {
      if (routeOf(ctx).public) return next();
      throw new Problem(problems.unauthorized);
    }
    const refusal = refusalOf(ctx, caller, problems);
    if (refusal instanceof Promise) return passUnless(refusal, next);
    orThrow(refusal);
    return next();
  };
}

/** For a route that is open to any caller, though not in a tenant that is suspended: throws what other routes answer. */
export function requireActive({ suspended }: Caller, problems: HttpProblems): void {
  if (suspended !== undefined) throw tenantSuspended(suspended, problems);
}

/** For a route that is open to any caller, and asks for a permission by what is read: throws what other routes answer. */
export function requirePermission(caller: Caller, needed: string, problems: HttpProblems): void {
  requireActive(caller, problems);
  orThrow(refusalBy(caller.permissions, needed, problems));
}

async function passUnless(refusal: Promise<Problem | undefined>, next: () => Promise<unknown>): Promise<unknown> {
  orThrow(await refusal);
  return next();
}

function orThrow(refusal: Problem | undefined): void {
  if (refusal !== undefined) throw refusal;
}

/** Why this caller may not have this answer; undefined where they may. */
export function refusalOf(
  ctx: Context,
  caller: Caller,
  problems: HttpProblems,
): Problem | undefined | Promise<Problem | undefined> {
  const route = routeOf(ctx);
  if (caller.mustChangePassword && !route.whilePasswordIsDue)
    return new Problem(problems['password-change-required'], {
      detail: 'Set a new password first: PUT /v1/auth/password.',
    });
  if (route.public || route.anyCaller) return undefined;
  if (caller.suspended !== undefined) return tenantSuspended(caller.suspended, problems);
  const tenantId = route.tenantFrom && ctx.state.pathParameters?.[route.tenantFrom.path];
  if (tenantId === undefined || tenantId === caller.tenantId)
    return refusalBy(caller.permissions, route.permission, problems);
  const held = caller.permissionsIn(tenantId);
  return held instanceof Promise
    ? held.then((found) => refusalBy(found, route.permission, problems))
    : refusalBy(held, route.permission, problems);
}

function refusalBy(
  held: ReadonlySet<string> | undefined,
  needed: string | undefined,
  problems: HttpProblems,
): Problem | undefined {
  if (held === undefined) return new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
  if (needed !== undefined && held.has(needed)) return undefined;
  return new Problem(problems.forbidden, { detail: `This needs the permission ${needed}.` });
}

/** `reason` as whoever suspended it gave it; may be empty. */
export const tenantSuspended = (reason: string, problems: HttpProblems): Problem =>
  new Problem(problems['tenant-suspended'], { detail: suspensionSentence(reason) });

export const suspensionSentence = (reason: string) =>
  reason === '' ? 'The tenant is suspended.' : `The tenant is suspended: ${reason}`;
