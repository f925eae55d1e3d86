import { type Middleware, routeOf } from './context.ts';
import { type HttpProblems, Problem } from './problem.ts';

/**
 * Lets pass who holds the route's permission in the tenant that its contract names: the caller's, or the one in the path.
 * What is in a tenant where the caller has no part is answered as what is not there.
 */
export function permission(problems: HttpProblems): Middleware {
  return (ctx, next) => {
    const route = routeOf(ctx);
    if (route.public || route.anyCaller) return next();
    const { caller, pathParameters } = ctx.state;
    const tenantId = route.tenantFrom && pathParameters?.[route.tenantFrom.path];
    const held = tenantId === undefined ? caller?.permissions : caller?.permissionsIn(tenantId);
    if (held === undefined) throw new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
    if (route.permission === undefined || !held.has(route.permission))
      throw new Problem(problems.forbidden, { detail: `This needs the permission ${route.permission}.` });
    return next();
  };
}
