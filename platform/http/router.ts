// From method and path to a contract, by @koa/router. A name may hold `/` by its wildcard; what it has no notion of is
// added here: a path that ends like another route (`/defaults`) is of that kind, whatever the method.

import Router, { type RouterContext } from '@koa/router';
import type Koa from 'koa';
import type { HttpState, Middleware } from './context.ts';
import { type HttpProblems, Problem } from './problem.ts';
import type { BoundRoute, Route } from './route.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Finds the route of a request and says it in `ctx.state`; passes on what no route has the path of. */
export function router(routes: readonly BoundRoute[], problems: HttpProblems): Middleware {
  for (const { route } of routes) requireWhole(route);
  // Of the layers that match, @koa/router runs the one that was registered last.
  const found = new Router<HttpState>({ exclusive: true, sensitive: true });
  const refuse = (ctx: RouterContext<HttpState>, next: Koa.Next) => refuseMethod(ctx, next, problems);
  found.on('not-found', refuse);
  const byPath = Map.groupBy(routes, ({ route }) => patternOf(route));
  for (const path of [...byPath.keys()].toSorted(generalFirst)) {
    if (path.includes('*')) found.all(path, refuse);
    for (const bound of byPath.get(path) ?? []) {
      const { id, method } = bound.route;
      found.register(path, [method], (ctx, next) => take(ctx, next, bound), { name: id });
    }
  }
  const dispatch = found.routes() as Middleware;
  const plain = new Map(
    routes.flatMap((bound) => (isPlain(bound.route) ? [[keyOf(bound.route), bound] as const] : [])),
  );
  return (ctx, next) => {
    // A path without parameters needs no search, which would cost as much as all else that is done here.
    const bound = plain.get(`${ctx.req.method} ${ctx.req.url}`);
    if (bound !== undefined) {
      ctx.state.bound = bound;
      return next();
    }
    if (!isWellFormed(ctx)) throw new Problem(problems['malformed-url']);
    return dispatch(ctx, next);
  };
}

function requireWhole({ id, path, slashes, permission, tenantFrom, ...route }: Route): void {
  if (!route.public && !route.anyCaller && permission === undefined) throw new Error(`${id} names no permission`);
  for (const parameter of [slashes, tenantFrom?.path])
    if (parameter !== undefined && !path.includes(`{${parameter}}`)) throw new Error(`${path} has no {${parameter}}`);
}

/** `/v1/models/{name}/defaults` is `/v1/models/*name/defaults` where the name may hold slashes, else `/v1/models/:name/defaults`. */
const patternOf = ({ path, slashes }: Route) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `${name === slashes ? '*' : ':'}${name}`);

const isPlain = ({ path }: Route) => !path.includes('{');
const keyOf = ({ method, path }: Route) => `${method} ${path}`;

/**
 * Wildcards before parameters before fixed segments. Of two with a wildcard, the one with more behind it last: a path that
 * ends like `/grants/:tenantId` is of that kind, though the wildcard alone would take it too.
 */
function generalFirst(a: string, b: string): number {
  const count = (path: string, sign: string) => path.split(sign).length;
  return (
    count(b, '*') - count(a, '*') ||
    count(a, '/') - count(b, '/') ||
    count(b, ':') - count(a, ':') ||
    a.length - b.length
  );
}

function take(ctx: RouterContext<HttpState>, next: Koa.Next, bound: BoundRoute) {
  const { slashes } = bound.route;
  const { params } = ctx;
  // A wildcard takes the slash at the path's end too, which means nothing on any path.
  if (slashes !== undefined) params[slashes] = params[slashes]?.replace(/\/$/, '') ?? '';
  ctx.state.bound = bound;
  ctx.state.pathParameters = params;
  return next();
}

function refuseMethod(ctx: RouterContext<HttpState>, next: Koa.Next, problems: HttpProblems) {
  const { matched = [] } = ctx;
  const last = matched.at(-1);
  if (last === undefined) return next();
  const isWild = typeof last.path === 'string' && last.path.includes('*');
  const layers = matched.filter(({ name, path }) => name !== undefined && (!isWild || path === last.path));
  const allow = METHODS.filter((method) => method === 'OPTIONS' || layers.some((one) => one.methods.includes(method)));
  if (ctx.method !== 'OPTIONS')
    throw new Problem(problems['method-not-allowed'], {
      detail: `Allowed here: ${allow.join(', ')}.`,
      headers: { allow: allow.join(', ') },
    });
  ctx.status = 204;
  ctx.set('allow', allow.join(', '));
  return undefined;
}

function isWellFormed(ctx: Parameters<Middleware>[0]): boolean {
  try {
    if (ctx.path.includes('%')) decodeURIComponent(ctx.path);
    return true;
  } catch {
    return false;
  }
}
