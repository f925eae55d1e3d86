import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { lingerAndClose } from './linger.ts';
import { announcedLength } from './read-body.ts';
import type { Answer } from './route.ts';
import type { SecurityHeaders } from './security-headers.ts';

const NO_BODY = new Set([204, 304]);

export interface SendOptions {
  readonly security: SecurityHeaders;
  readonly requestId: string;
  /** A body up to this length that nobody read is drained and the connection kept; a longer one costs the connection. */
  readonly bodyLimit: number;
  /** Told when a stream broke for a reason other than the client's leaving. */
  readonly onStreamError: (error: Error) => void;
}

/** Writes an answer. HEAD gets the headers that GET would, and no body. */
export function sendAnswer(req: IncomingMessage, res: ServerResponse, answer: Answer, options: SendOptions): void {
  const isPage = answer.bytes !== undefined;
  const common = isPage ? options.security.page : options.security.data;
  const headers: Record<string, string | number> = { ...common, 'x-request-id': options.requestId };
  const payload = payloadOf(answer, headers);
  if (answer.headers) Object.assign(headers, answer.headers);

  if (answer.stream !== undefined) {
    const { stream } = answer;
    res.writeHead(answer.status, headers);
    if (req.method === 'HEAD') {
      stream.destroy();
      res.end();
      return;
    }
    res.flushHeaders();
    pipeline(stream, res, (error) => {
      if (error && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') options.onStreamError(error);
    });
    return;
  }
  if (payload !== undefined) headers['content-length'] = Buffer.byteLength(payload);
  const unread = !req.complete && !req.destroyed;
  if (unread && leavesTooMuch(req, options.bodyLimit)) {
    headers['connection'] = 'close';
    res.writeHead(answer.status, headers);
    lingerAndClose(req, res, payload);
    return;
  }
  res.writeHead(answer.status, headers);
  if (payload === undefined) res.end();
  else res.end(payload);
}

function payloadOf(answer: Answer, headers: Record<string, string | number>): string | Uint8Array | undefined {
  if (answer.bytes !== undefined) return answer.bytes;
  if (answer.body !== undefined) {
    headers['content-type'] = 'application/json; charset=utf-8';
    return JSON.stringify(answer.body);
  }
  return NO_BODY.has(answer.status) || answer.stream !== undefined ? undefined : '';
}

function leavesTooMuch(req: IncomingMessage, limit: number): boolean {
  const length = announcedLength(req);
  return length === undefined || length > limit;
}
