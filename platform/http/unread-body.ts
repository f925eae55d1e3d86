import { Readable } from 'node:stream';
import type { Context, Middleware } from './context.ts';
import { dropRest, lingerAndClose } from './linger.ts';
import { announcedLength, isAwaitingContinue } from './read-body.ts';

/**
 * What becomes of a body that nobody read. A short one is dropped and the connection kept; a longer one, or one that the
 * client was never told to send, costs the connection, which ends so that the client still sees the answer.
 */
export function unreadBody({ limit }: { readonly limit: number }): Middleware {
  return async (ctx, next) => {
    const { req, res } = ctx;
    const announced = announcedLength(req);
    if (announced === 0) return next();
    await next();
    const isRead = req.complete && req.readableLength === 0;
    if (isRead || req.destroyed || ctx.respond === false) return;
    // RFC 9110, section 15.5.9: a 408 ends the connection.
    const isLost = ctx.status === 408 || isAwaitingContinue(req, res);
    const isTooMuch = announced === undefined || announced > limit;
    if (req.complete || res.headersSent || !(isLost || isTooMuch)) dropRest(req);
    else close(ctx);
  };
}

function close(ctx: Context): void {
  ctx.set('connection', 'close');
  const { req, res, body } = ctx;
  if (body instanceof Readable) return;
  ctx.respond = false;
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  const payload = body === null || body === undefined ? '' : isText ? body : JSON.stringify(body);
  if (ctx.status !== 204 && ctx.status !== 304) ctx.length = Buffer.byteLength(payload);
  lingerAndClose(req, res, req.method === 'HEAD' ? undefined : payload);
}
