// Routes requests to the two APIs by method and path, as the gateway of a deployment does: what reads goes to the query
// API, everything else to the command API.

import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Gateway {
  readonly url: string;
  close(): Promise<void>;
}

const readsByPost = /\/(?:search|query)$/;

const isRead = ({ method = 'GET', url = '/' }: IncomingMessage): boolean =>
  method === 'GET' ||
  method === 'HEAD' ||
  method === 'OPTIONS' ||
  (method === 'POST' && readsByPost.test(url.split('?')[0] ?? ''));

export interface GatewayTargets {
  readonly commands: string;
  readonly queries: string;
  /** Where each service answers operators. */
  readonly operations: readonly string[];
}

/** `targets` is asked for each request, since services may be started again elsewhere. */
export async function openGateway(targets: () => GatewayTargets): Promise<Gateway> {
  // As gateways do, and so that no client asks on a connection in the moment in which it is closed.
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, answer) => {
    const { commands, queries, operations } = targets();
    if (incoming.url === '/readyz') return void sayReady(operations, answer);
    const target = new URL(isRead(incoming) ? queries : commands);
    const headers = { ...incoming.headers, 'x-forwarded-for': '127.0.0.1' };
    const onward = request(
      { host: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers },
      (coming) => {
        answer.writeHead(coming.statusCode ?? 502, coming.rawHeaders);
        coming.pipe(answer);
        coming.on('error', () => answer.destroy());
      },
    );
    onward.on('error', () => refuse(answer));
    answer.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => undefined);
    },
  };
}

function refuse(answer: ServerResponse): void {
  if (answer.headersSent) answer.destroy();
  else {
    const detail = 'The service behind the gateway does not answer.';
    answer.writeHead(502, { 'content-type': 'application/problem+json' });
    answer.end(JSON.stringify({ type: 'about:blank', title: 'Bad Gateway', status: 502, detail }));
  }
}

/** Ready when every service is: the tests ask one place, whichever way Defter runs. */
async function sayReady(operations: readonly string[], answer: ServerResponse): Promise<void> {
  const asked = await Promise.all(
    operations.map(async (url) =>
      fetch(`${url}/readyz`).then(
        async (one) => ({ ok: one.ok, text: await one.text() }),
        (error: unknown) => ({ ok: false, text: JSON.stringify(String(error)) }),
      ),
    ),
  );
  const ready = asked.every(({ ok }) => ok);
  answer.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' });
  answer.end(`{"status":"${ready ? 'ready' : 'not ready'}","checks":[${asked.map(({ text }) => text).join(',')}]}`);
}
