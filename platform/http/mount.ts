import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from './context.ts';
import { requestBody } from './read-body.ts';

/** Another program's handler under a path of this server: a dashboard, `/mcp`. */
export interface Mount {
  /** In the place of a route's id in the access log and the metrics. */
  readonly id: string;
  /** `/ui`: this path and all below it that no route has. */
  readonly prefix: string;
  /** Answers by itself, and bounds what it reads. It may set other headers than the app's security headers. */
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;
}

/** Hands requests on to a mount, and Koa's answer with them; logged and measured as routes are. */
export const mount =
  ({ id, prefix, handle }: Mount): Middleware =>
  (ctx, next) => {
    const { req, res } = ctx;
    if (ctx.state.bound !== undefined || !isBelow(ctx.path, prefix)) return next();
    ctx.state.mount = id;
    ctx.respond = false;
    res.statusCode = 200;
    // It could not ask for the body of a client that waits to be told to send it.
    requestBody(req, res, Number.POSITIVE_INFINITY);
    return handle(req, res);
  };

const isBelow = (path: string, prefix: string) =>
  path.startsWith(prefix) && (prefix.endsWith('/') || path.length === prefix.length || path[prefix.length] === '/');
