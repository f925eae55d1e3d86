import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { LINGER_MS } from './linger.ts';

interface Broken {
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
}

const NOT_HTTP: Broken = { status: 400, title: 'The request is not HTTP' };

const BROKEN: Readonly<Record<string, Broken>> = {
  HPE_HEADER_OVERFLOW: { status: 431, title: 'The headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, title: 'The request took too long to arrive' },
  HPE_INVALID_URL: {
    status: 400,
    title: 'The URL cannot be read',
    detail: 'Percent-encode what is not ASCII, as UTF-8: ü is %C3%BC (curl: -G --data-urlencode "q=ü").',
  },
};

const answered = new WeakSet<Socket>();
const sentBeside = new WeakMap<ServerResponse, number>();

/** The status that the client was sent in the place of an answer, its request's body being broken. */
export const statusSentBeside = (res: ServerResponse): number | undefined => sentBeside.get(res);

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
    else {
      const broken = BROKEN[error.code ?? ''] ?? NOT_HTTP;
      // An end in the middle: whether the client still reads, or has left, looks the same.
      if (error.code !== 'HPE_INVALID_EOF_STATE')
        for (const res of running) if (!whole.has(res)) sentBeside.set(res, broken.status);
      send(broken, socket);
    }
  };
  if (whole.size === 0) end();
  let left = whole.size;
  for (const res of whole) res.once('close', () => --left === 0 && end());
}

function send({ status, title, detail }: Broken, socket: Socket): void {
  const body = JSON.stringify({ type: 'about:blank', title, status, detail });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
