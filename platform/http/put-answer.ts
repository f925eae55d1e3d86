import type { Context } from './context.ts';
import type { Answer } from './route.ts';

const EMPTY = new Set([204, 205, 304]);

/** Makes an answer Koa's own, so that middlewares see it in `ctx.status`, `ctx.body` and the headers. */
export function putAnswer(ctx: Context, { status, headers, body, bytes, stream }: Answer): void {
  ctx.status = status;
  for (const name in headers) ctx.res.setHeader(name, headers[name] ?? '');
  if (stream !== undefined) {
    ctx.body = stream;
    // The client is to know that it began before the first byte comes, which may be minutes away.
    ctx.flushHeaders();
  } else if (bytes !== undefined) {
    ctx.body = typeof bytes === 'string' ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } else if (body !== undefined) {
    if (headers?.['content-type'] === undefined) ctx.res.setHeader('content-type', 'application/json; charset=utf-8');
    // As text, here, where a value that cannot be written still becomes a problem.
    ctx.body = JSON.stringify(body);
  } else if (!EMPTY.has(status)) {
    // Koa would send the status's name in the place of no body.
    ctx.body = '';
    ctx.remove('content-type');
  }
}
