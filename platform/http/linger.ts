// Closing a connection on which the client is still sending. Closed at once, the kernel answers the rest with a reset that
// can overtake our answer, and the client sees a broken connection instead of a 413 (RFC 9112 section 9.6). So the answer
// goes out whole, the rest is read and dropped for a bounded time, and then the connection ends.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Milliseconds. */
export const LINGER_MS = 5_000;
const DROP_MS = 60_000;
const LINGER_BYTES = 64 * 1024 * 1024;

const closing = new WeakSet<Socket>();

/** True once an answer on this connection announced its end: what was pipelined behind it must not be acted on. */
export const isClosing = (socket: Socket) => closing.has(socket);

/** Sends the payload and ends the connection; the headers are written already, with their length and `connection: close`. */
export function lingerAndClose(
  req: IncomingMessage,
  res: ServerResponse,
  payload: string | Uint8Array | undefined,
): void {
  closing.add(req.socket);
  if (payload !== undefined && payload.length > 0) res.write(payload);
  else res.flushHeaders();
  let dropped = 0;
  const finish = () => {
    clearTimeout(timer);
    req.off('data', drop).off('end', finish).off('close', finish);
    res.end();
  };
  const drop = (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > LINGER_BYTES) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  timer.unref();
  req.on('data', drop).on('end', finish).on('close', finish).on('error', finish);
  req.resume();
}

/** Reads the rest of a request that has its answer, and drops it, so that the next on this connection can be read. */
export function dropRest(req: IncomingMessage): void {
  req.resume();
  if (req.complete) return;
  const timer = setTimeout(() => req.destroy(), DROP_MS);
  timer.unref();
  req.once('close', () => clearTimeout(timer));
}
