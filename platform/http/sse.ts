// Server-sent events (WHATWG HTML section 9.2): framing, heartbeats, and an end for who does not read. Events are asked for
// only as fast as the client takes them, so that nothing gathers here for a slow one; what gathers where they come from is
// theirs to bound. A client that was cut comes back with Last-Event-ID.

import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { asError, finalError } from '../errors.ts';
import { createBell } from '../patience/bell.ts';
import type { Answer } from './route.ts';
import { createStreamPace } from './stream-pace.ts';

export interface ServerEvent {
  /** Where a client that lost the connection asks to go on; no line breaks, no NUL. */
  readonly id?: string;
  /** `message` unless named. */
  readonly event?: string;
  /** Sent as it is when a string, else as JSON. */
  readonly data: unknown;
}

export interface EventStreamOptions {
  /** Asked for when those before are on their way; where they fail the stream is cut, where they end it ends. */
  readonly events: AsyncIterable<readonly ServerEvent[]>;
  /** The request's: the stream ends when it aborts, and so should `events`. */
  readonly signal: AbortSignal;
  /** Milliseconds between comment lines, which keep proxies from closing while nothing is sent; 15 s unless named. */
  readonly heartbeatMs?: number;
  /** Milliseconds that a client may take nothing of what waits for it before it is cut; 15 s unless named. */
  readonly stallMs?: number;
}

/** The client took nothing for too long, or too little of what came. */
export class ClientTooSlow extends finalError('client-too-slow') {}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
};

/** Characters written at once, so that no more than this is buffered beside what the connection itself holds. */
const WRITTEN_AT_ONCE = 16_384;
const HEARTBEAT = ': ping\n\n';

/** All streams of this thread. */
const pace = createStreamPace();

export function answerWithEvents(options: EventStreamOptions): Answer {
  const { events, signal, heartbeatMs = 15_000, stallMs = 15_000 } = options;
  const taken = createBell();
  let hasRoom = false;
  let isOver = false;
  // Asks for more only when all before has gone to the connection, which has room again.
  const stream = new Readable({
    highWaterMark: 0,
    read() {
      hasRoom = true;
      taken.ring();
    },
  });

  const end = () => {
    if (isOver) return;
    isOver = true;
    clearInterval(heartbeat);
    signal.removeEventListener('abort', end);
    taken.ring();
    if (!stream.destroyed) stream.push(null);
  };
  const write = (text: string) => {
    if (isOver) return;
    hasRoom = false;
    stream.push(text);
  };
  const heartbeat = setInterval(() => {
    if (hasRoom) write(HEARTBEAT);
  }, heartbeatMs);
  heartbeat.unref();

  async function waitForRoom(): Promise<void> {
    const until = performance.now() + stallMs;
    for (;;) {
      if (hasRoom || isOver) return;
      const left = until - performance.now();
      if (left <= 0) throw new ClientTooSlow(`a client took nothing for ${stallMs} ms`);
      await taken.wait(left);
    }
  }

  /** Answers how many events were written: as many as go out at once. */
  function writeSome(some: readonly ServerEvent[], from: number): number {
    let text = '';
    let to = from;
    while (to < some.length && text.length < WRITTEN_AT_ONCE) text += frame(some[to++]!);
    write(text);
    return to - from;
  }

  async function send(): Promise<void> {
    for await (const some of events) {
      for (let sent = 0; sent < some.length;) {
        await waitForRoom();
        if (isOver) return;
        sent += await pace.run(() => writeSome(some, sent));
      }
    }
  }

  stream.once('close', end);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  send().then(end, (reason: unknown) => {
    // Cut, not ended: the client must not take what it has for the whole.
    stream.destroy(asError(reason));
  });
  return { status: 200, headers: HEADERS, stream };
}

/** An event that many streams send is written out once. */
const frames = new WeakMap<ServerEvent, string>();

function frame(event: ServerEvent): string {
  const known = frames.get(event);
  if (known !== undefined) return known;
  const { id, event: name, data } = event;
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  const framed = `${field('id', id)}${field('event', name)}${lines.join('')}\n`;
  frames.set(event, framed);
  return framed;
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
