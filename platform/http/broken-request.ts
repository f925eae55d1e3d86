import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LINGER_MS } from './linger.ts';

interface Broken {
  readonly status: string;
  readonly title: string;
  readonly detail?: string;
}

const NOT_HTTP: Broken = { status: '400 Bad Request', title: 'The request is not HTTP' };

const BROKEN: Readonly<Record<string, Broken>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', title: 'The headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', title: 'The request took too long to arrive' },
  HPE_INVALID_URL: {
    status: '400 Bad Request',
    title: 'The URL cannot be read',
    detail: 'Percent-encode what is not ASCII, as UTF-8: ü is %C3%BC (curl: -G --data-urlencode "q=ü").',
  },
};

const answered = new WeakSet<Socket>();

/**
 * What never became a request gets its answer here, as a problem like any other, and the connection ends. The requests
 * that came before it on the connection are answered first; one whose own body is broken is answered by this alone.
 */
export function answerBrokenRequest(
  error: NodeJS.ErrnoException,
  socket: Socket,
  running: readonly ServerResponse[],
): void {
  // What comes behind the break cannot be read either.
  if (answered.has(socket)) return;
  answered.add(socket);
  const whole = new Set(running.filter(({ req }) => req.complete));
  const end = () => {
    if (!socket.writable || running.some((res) => !whole.has(res) && res.headersSent)) socket.destroy();
    else send(BROKEN[error.code ?? ''] ?? NOT_HTTP, socket);
  };
  if (whole.size === 0) end();
  let left = whole.size;
  for (const res of whole) res.once('close', () => --left === 0 && end());
}

function send({ status, title, detail }: Broken, socket: Socket): void {
  const body = JSON.stringify({ type: 'about:blank', title, status: Number.parseInt(status, 10), detail });
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/problem+json; charset=utf-8\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
