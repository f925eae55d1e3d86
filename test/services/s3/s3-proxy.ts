// Between a client and an S3 server: passes everything on as it is, and does wrong what it is told to.

import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * `drop-answer`: the server does it, the client never hears. `refuse`: the connection is cut before the server hears.
 * `cut-body`: the answer's head and half of its body. `unconditional`: as a server that ignores If-None-Match.
 * `hang`: neither passed on nor answered.
 */
export type Wrong = 'drop-answer' | 'refuse' | 'cut-body' | 'unconditional' | 'hang';

export interface S3Proxy {
  readonly endpoint: string;
  readonly seen: string[];
  /** Asked for each request; undefined passes it on. */
  wrong: (request: IncomingMessage) => Wrong | undefined;
  close(): Promise<void>;
}

export async function openS3Proxy(endpoint: string): Promise<S3Proxy> {
  const target = new URL(endpoint);
  const server = createServer((incoming, answer) => {
    const wrong = proxy.wrong(incoming);
    proxy.seen.push(`${incoming.method} ${incoming.url}`);
    if (wrong === 'hang') return;
    if (wrong === 'refuse') {
      incoming.socket.destroy();
      return;
    }
    const headers = { ...incoming.headers };
    const outgoing = request(
      { host: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers },
      (passed) => {
        if (wrong === 'drop-answer') {
          passed.resume().on('end', () => incoming.socket.destroy());
          return;
        }
        const isIgnored = wrong === 'unconditional' && passed.statusCode === 412;
        answer.writeHead(isIgnored ? 200 : (passed.statusCode ?? 502), isIgnored ? {} : passed.headers);
        if (wrong === 'cut-body') {
          passed.once('data', (part: Buffer) =>
            answer.write(part.subarray(0, part.length / 2), () => incoming.socket.destroy()),
          );
        } else if (isIgnored) passed.resume().on('end', () => answer.end());
        else passed.pipe(answer);
      },
    );
    outgoing.on('error', () => incoming.socket.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: S3Proxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    wrong: () => undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
