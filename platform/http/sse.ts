// Server-sent events (WHATWG HTML section 9.2): framing, heartbeats, and a client that reads too slowly is let go rather
// than buffered for. It comes back with Last-Event-ID.

import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Answer } from './route.ts';

export interface ServerEvent {
  /** Where a client that lost the connection asks to go on; no line breaks, no NUL. */
  readonly id?: string;
  /** `message` unless named. */
  readonly event?: string;
  /** Sent as it is when a string, else as JSON. */
  readonly data: unknown;
}

export interface EventStream {
  /** False when the stream is over (the client has left, or was let go): stop sending. */
  send(event: ServerEvent): boolean;
  /** What was sent still goes out. May be called twice. */
  end(): void;
  readonly ended: boolean;
  readonly answer: Answer;
}

export interface EventStreamOptions {
  /** The request's: the stream ends when it aborts. */
  readonly signal: AbortSignal;
  /** Milliseconds between comment lines while nothing is sent, which keep proxies from closing; 15 s unless named. */
  readonly heartbeatMs?: number;
  /** Bytes that may wait for a slow client before it is let go; 1 MiB unless named. */
  readonly maxBuffer?: number;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
};

export function openEventStream({
  signal,
  heartbeatMs = 15_000,
  maxBuffer = 1024 * 1024,
}: EventStreamOptions): EventStream {
  const stream = new Readable({ read: () => undefined, highWaterMark: maxBuffer });
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    clearInterval(heartbeat);
    signal.removeEventListener('abort', end);
    if (!stream.destroyed) stream.push(null);
  };
  const write = (text: string): boolean => {
    if (ended) return false;
    if (stream.readableLength + text.length > maxBuffer) {
      end();
      // Cut, not ended: the client must not take what it has for the whole.
      stream.destroy(new Error('the client reads too slowly'));
      return false;
    }
    stream.push(text);
    return true;
  };
  const heartbeat = setInterval(() => write(': ping\n\n'), heartbeatMs);
  heartbeat.unref();
  stream.once('close', end);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return {
    send: (event) => write(frame(event)),
    end,
    get ended() {
      return ended;
    },
    answer: { status: 200, headers: HEADERS, stream },
  };
}

function frame({ id, event, data }: ServerEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${field('id', id)}${field('event', event)}${lines.join('')}\n`;
}

function field(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  if (/[\r\n\0]/.test(value)) throw new TypeError(`an event's ${name} must not hold line breaks`);
  return `${name}: ${value}\n`;
}

/** At most 200 characters; undefined when the client sent none. */
export function lastEventId(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['last-event-id'];
  return typeof header === 'string' && header.length > 0 && header.length <= 200 ? header : undefined;
}
