// Between a client and a real Elasticsearch: lets requests through, or does to them what networks and busy servers do.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** `undefined` lets it through. */
export type Fault =
  | { readonly kind: 'cut before' }
  /** The server does it, and nobody hears of it. */
  | { readonly kind: 'cut after' }
  | { readonly kind: 'silence' }
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  /** Something else reaches the server, its answer comes late or changed. */
  | {
      readonly kind: 'changed';
      readonly body?: string;
      readonly until?: Promise<unknown>;
      readonly twist?: (answer: unknown) => unknown;
    }
  | undefined;

export interface ElasticsearchProxy {
  readonly url: string;
  /** All that came, faulty or not. */
  readonly requests: ProxiedRequest[];
  /** Asked for each request from now on. */
  fault: (request: ProxiedRequest) => Fault;
  close(): Promise<void>;
}

export async function openElasticsearchProxy(server: string): Promise<ElasticsearchProxy> {
  const proxy = { requests: [] as ProxiedRequest[], fault: (() => undefined) as ElasticsearchProxy['fault'] };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const seen = { method, path: url, body: await text(request) };
    proxy.requests.push(seen);
    const fault = proxy.fault(seen);
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'cut before') return void request.socket.destroy();
    if (fault?.kind === 'answer') return answer(response, fault.status, JSON.stringify(fault.body));
    const changed = fault?.kind === 'changed' ? fault : {};
    const { body = seen.body, until, twist } = changed as Partial<Extract<Fault, { kind: 'changed' }>>;
    const forwarded = await fetch(`${server}${url}`, {
      method,
      headers: Object.fromEntries(
        ['content-type', 'accept', 'authorization'].flatMap((name) => {
          const value = request.headers[name];
          return typeof value === 'string' ? [[name, value]] : [];
        }),
      ),
      ...(body !== '' && { body }),
    });
    const said = await forwarded.text();
    if (fault?.kind === 'cut after') return void request.socket.destroy();
    await until;
    answer(response, forwarded.status, twist ? JSON.stringify(twist(JSON.parse(said))) : said);
  }

  const listening = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    async close() {
      listening.closeAllConnections();
      listening.close();
      await once(listening, 'close');
    },
  });
}

function answer(response: ServerResponse, status: number, body: string): void {
  const headers = {
    'x-elastic-product': 'Elasticsearch',
    'content-type': 'application/vnd.elasticsearch+json;compatible-with=8',
  };
  response.writeHead(status, headers).end(body);
}
