import { randomUUID } from 'node:crypto';
import type { Middleware } from './context.ts';
import { saneRequestId } from './request-headers.ts';
import { continueTrace } from './traceparent.ts';

/** The client's request id where it is sane, else a new one, sent back with every answer; and the client's trace. */
export const requestId = (): Middleware => (ctx, next) => {
  const { headers } = ctx.req;
  const id = saneRequestId(headers['x-request-id']) ?? randomUUID();
  ctx.state.requestId = id;
  ctx.res.setHeader('x-request-id', id);
  if (headers.traceparent !== undefined) ctx.state.traceparent = continueTrace(headers.traceparent);
  return next();
};
