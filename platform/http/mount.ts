import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from './context.ts';

/** Another program's handler under a path of this server: a dashboard, `/mcp`. */
export interface Mount {
  /** In the place of a route's id in the access log and the metrics. */
  readonly id: string;
  /** `/ui`: this path and all below it that no route has. */
  readonly prefix: string;
  /** Answers by itself, and bounds what it reads. It may set other headers than the floor's security headers. */
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;
}

/** Hands requests on to a mount, and Koa's answer with them; logged and measured as routes are. */
export const mount =
  ({ id, prefix, handle }: Mount): Middleware =>
  (ctx, next) => {
    if (ctx.state.bound !== undefined || !isBelow(ctx.path, prefix)) return next();
    ctx.state.mount = id;
    ctx.respond = false;
    ctx.res.statusCode = 200;
    return handle(ctx.req, ctx.res);
  };

const isBelow = (path: string, prefix: string) =>
  path.startsWith(prefix) && (prefix.endsWith('/') || path.length === prefix.length || path[prefix.length] === '/');
