// A real HTTP server that speaks enough of OpenAI's protocol to test a client of it, and that fails on demand.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface UpstreamRequestSeen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

export type Answer = (request: UpstreamRequestSeen, response: ServerResponse) => void;

export interface OpenAiUpstream {
  /** Base URL, ending in `/v1`. */
  readonly url: string;
  /** Every request so far. */
  readonly seen: UpstreamRequestSeen[];
  /** What to answer from now on, one after another; the last one stays. */
  answer(...answers: Answer[]): void;
  readonly close: () => Promise<void>;
}

/** Answers with `echo` until told otherwise. */
export async function openOpenAiUpstream(): Promise<OpenAiUpstream> {
  const seen: UpstreamRequestSeen[] = [];
  let answers: Answer[] = [echo];

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const entry = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    seen.push(entry);
    const next = answers.length > 1 ? answers.shift() : answers[0];
    next?.(entry, response);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    seen,
    answer(...next) {
      answers = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Repeats the last message, streamed letter by letter when asked; 400 for `bad`, never ends for `forever`.
 */
export const echo: Answer = ({ body }, response) => {
  const messages = body['messages'] as { content: string }[];
  const content = messages.at(-1)?.content ?? '';
  if (content === 'bad')
    return json(400, { error: { message: 'I will not repeat that', code: 'bad' } })(seenNothing, response);
  const usage = { prompt_tokens: content.length, completion_tokens: content.length, total_tokens: 2 * content.length };
  if (body['stream'] === true) {
    const pieces = Array.from(content, (letter) => chunk({ content: letter }));
    if (content === 'forever') return events(pieces, { end: false })(seenNothing, response);
    return events([...pieces, chunk({}, 'stop'), { ...chunkHead, choices: [], usage }])(seenNothing, response);
  }
  if (content === 'forever') return;
  json(200, completion(content, usage))(seenNothing, response);
};

const seenNothing: UpstreamRequestSeen = { method: '', path: '', headers: {}, body: {} };

export function completion(content: string, usage: object): object {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop', logprobs: null }];
  return { id: 'c1', object: 'chat.completion', created: 1, model: 'up', choices, usage, extra: { kept: true } };
}

export const chunkHead = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'up' };

export function chunk(delta: object, finish: string | null = null): object {
  return { ...chunkHead, choices: [{ index: 0, delta, finish_reason: finish }], usage: null };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** A stream of the events given, then `[DONE]`, unless `end` is false (left open) or `cut` is true (connection broken). */
export function events(data: readonly object[], { end = true, cut = false } = {}): Answer {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const text = data.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
    if (cut) response.write(text, () => response.destroy());
    else if (end) response.end(`: ping\n\n${text}data: [DONE]\n\n`);
    else response.write(text);
  };
}
