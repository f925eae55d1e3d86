import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { BodyTooLarge, BodyTooSlow, ClientGone, requestBody } from './read-body.ts';

export interface BodyStreamBounds {
  /** Bytes in all. */
  readonly limit: number;
  /** Milliseconds that the client may send nothing while its reader waits. */
  readonly idleMs: number;
}

/**
 * The body as it arrives: the client is not read faster than the stream is. It fails with BodyTooLarge, BodyTooSlow or
 * ClientGone. Destroying it leaves the rest in the connection, which can still be answered.
 */
export function openBodyStream(req: IncomingMessage, res: ServerResponse, bounds: BodyStreamBounds): Readable {
  const { limit, idleMs } = bounds;
  requestBody(req, res, limit);
  let received = 0;
  let idle: NodeJS.Timeout | undefined;
  const body = new Readable({
    read() {
      idle ??= setTimeout(() => body.destroy(new BodyTooSlow()), idleMs);
      req.resume();
    },
    destroy(error, done) {
      rest();
      req.off('data', take).off('end', end).off('close', gone).off('error', gone);
      done(error);
    },
  });
  const rest = () => {
    clearTimeout(idle);
    idle = undefined;
    req.pause();
  };
  const take = (chunk: Buffer) => {
    received += chunk.length;
    if (received > limit) body.destroy(new BodyTooLarge(limit));
    else if (body.push(chunk)) idle?.refresh();
    else rest();
  };
  const end = () => {
    clearTimeout(idle);
    // All of it is here: what becomes of the connection does not matter to who is still reading.
    req.off('close', gone).off('error', gone);
    body.push(null);
  };
  const gone = (cause?: unknown) => void body.destroy(new ClientGone(undefined, { cause }));
  // Whoever reads it is told of its error, whenever that is; an error before anyone does must not end the process.
  body.on('error', () => undefined);
  req.pause();
  req.on('data', take).on('end', end).on('close', gone).on('error', gone);
  return body;
}
