// The gateway's configuration, run by the real Caddy before two servers that say who they are.

import { spawn, type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { freePort } from '../services/free-port.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CADDYFILE = fileURLToPath(new URL('../../docker/Caddyfile', import.meta.url));

function hasCaddy(): boolean {
  try {
    execFileSync('caddy', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('the gateway', function () {
  this.timeout(60_000);
  if (!hasCaddy()) {
    it.skip('needs the program caddy (Debian package caddy)');
    return;
  }

  let caddy: ChildProcess;
  let url: string;
  let said = '';
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const sides: Record<'query' | 'command', { server: Server; port: number; seen: IncomingMessage[] }> = {} as never;

  /** Says who it is and what it got; `/stream` says three things, each when it is told to. */
  let sayMore: (() => void) | undefined;
  const answerAs =
    (side: 'query' | 'command'): RequestListener =>
    (incoming, answer) => {
      sides[side].seen.push(incoming);
      if (incoming.url === '/v1/stream') {
        answer.writeHead(200, { 'content-type': 'text/event-stream' });
        answer.write('data: 1\n\n');
        sayMore = () => answer.end('data: 2\n\n');
        return;
      }
      let length = 0;
      incoming.on('data', (part: Buffer) => (length += part.length));
      incoming.on('end', () => {
        answer.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'answered' });
        answer.end(JSON.stringify({ side, length, method: incoming.method, url: incoming.url }));
      });
    };

  const listen = async (side: 'query' | 'command', port = 0) => {
    const server = createServer(answerAs(side)).listen(port, '127.0.0.1');
    await once(server, 'listening');
    sides[side] = { server, port: (server.address() as AddressInfo).port, seen: [] };
  };
  const stop = async (server: Server) => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };

  before(async () => {
    folder = await temporaryFolder();
    await Promise.all([listen('query'), listen('command')]);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    caddy = spawn('caddy', ['run', '--config', CADDYFILE, '--adapter', 'caddyfile'], {
      env: {
        PATH: process.env['PATH'],
        XDG_CONFIG_HOME: folder.path,
        XDG_DATA_HOME: folder.path,
        HOME: folder.path,
        GATEWAY_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        QUERY_API_HOST: '127.0.0.1',
        QUERY_API_PORT: String(sides.query.port),
        COMMAND_API_HOST: '127.0.0.1',
        COMMAND_API_PORT: String(sides.command.port),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    caddy.stderr?.on('data', (part: Buffer) => (said += part.toString()));
    await eventually(async () => {
      if (caddy.exitCode !== null) throw new Error(`caddy ended: ${said}`);
      expect((await fetch(`${url}/healthz`)).status).to.equal(200);
    }, 20_000);
  });
  after(async () => {
    caddy.kill('SIGKILL');
    await once(caddy, 'exit');
    for (const { server } of Object.values(sides)) if (server.listening) await stop(server);
    await folder.remove();
  });

  const sideOf = async (method: string, path: string, body?: string) => {
    const answer = await fetch(`${url}${path}`, { method, ...(body !== undefined && { body }) });
    expect(answer.status, `${method} ${path}`).to.equal(200);
    return ((await answer.json()) as { side: string }).side;
  };

  it('sends reads and searches to the query API and all else to the command API', async () => {
    for (const [method, path, side] of [
      ['GET', '/v1/models', 'query'],
      ['GET', '/v1/models/a/b?x=1', 'query'],
      ['GET', '/', 'query'],
      ['POST', '/v1/collections/c/query', 'query'],
      ['POST', '/v1/inferences/search', 'query'],
      ['POST', '/v1/inferences', 'command'],
      ['POST', '/v1/searches', 'command'],
      ['POST', '/v1/research', 'command'],
      ['POST', '/v1/query/more', 'command'],
      ['PUT', '/v1/models/m/search', 'command'],
      ['PATCH', '/v1/tenants/t', 'command'],
      ['DELETE', '/v1/models/m', 'command'],
      ['OPTIONS', '/v1/models', 'command'],
    ] as const) {
      expect(await sideOf(method, path, method === 'POST' ? '{}' : undefined), `${method} ${path}`).to.equal(side);
    }
    const head = await fetch(`${url}/v1/models`, { method: 'HEAD' });
    expect(head.status).to.equal(200);
    expect(sides.query.seen.at(-1)?.method).to.equal('HEAD');
  });

  it('passes paths, headers and the request id as they are', async () => {
    const headers = { 'x-request-id': 'mine', 'x-tenant-id': 'acme', authorization: 'Bearer x', 'if-match': '"3"' };
    const answer = await fetch(`${url}/v1/models/org%2Fname?filter=a%26b`, { headers });
    expect(answer.headers.get('x-request-id')).to.equal('answered');
    const seen = sides.query.seen.at(-1);
    expect(seen?.url).to.equal('/v1/models/org%2Fname?filter=a%26b');
    for (const [name, value] of Object.entries(headers)) expect(seen?.headers[name], name).to.equal(value);
    // Nobody outside may say where they come from.
    await fetch(`${url}/v1/me`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect(sides.query.seen.at(-1)?.headers['x-forwarded-for']).to.equal('127.0.0.1');
  });

  it('passes what is streamed when it is said, and tells the service that its reader left', async () => {
    const asked = request(`${url}/v1/stream`).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.setEncoding('utf8');
    const [first] = (await once(answer, 'data')) as [string];
    expect(first).to.equal('data: 1\n\n');
    sayMore?.();
    const [second] = (await once(answer, 'data')) as [string];
    expect(second).to.equal('data: 2\n\n');

    const left = request(`${url}/v1/stream`).end();
    await once(left, 'response');
    const serverSide = sides.query.seen.at(-1)!;
    const closed = once(serverSide.socket, 'close');
    left.on('error', () => undefined);
    left.destroy();
    await closed;
  });

  it('streams a large body without a limit of its own', async () => {
    const size = 64 * 2 ** 20;
    const piece = Buffer.alloc(2 ** 20, 'x');
    const asked = request(`${url}/v1/files`, { method: 'POST' });
    const responded = once(asked, 'response');
    for (let sent = 0; sent < size; sent += piece.length) if (!asked.write(piece)) await once(asked, 'drain');
    asked.end();
    const [answer] = (await responded) as [IncomingMessage];
    let text = '';
    for await (const part of answer.setEncoding('utf8')) text += part as string;
    expect(JSON.parse(text)).to.include({ side: 'command', length: size });
  });

  it('answers its own health, and gives nobody the services’ operations', async () => {
    expect(await (await fetch(`${url}/healthz`)).text()).to.equal('ok');
    for (const path of ['/metrics', '/readyz']) {
      const answer = await fetch(`${url}${path}`);
      expect(answer.status).to.equal(404);
      expect(answer.headers.get('content-type')).to.equal('application/problem+json');
      expect(await answer.json()).to.include({ code: 'not-found', status: 404 });
    }
  });

  it('answers readably while a service is down, and goes on when it is back', async () => {
    const { port, server } = sides.command;
    await stop(server);
    const began = performance.now();
    const answer = await fetch(`${url}/v1/inferences`, { method: 'POST', body: '{}' });
    expect(answer.status).to.equal(503);
    expect(answer.headers.get('content-type')).to.equal('application/problem+json');
    expect(answer.headers.get('retry-after')).to.equal('2');
    expect(await answer.json()).to.include({ code: 'unavailable', status: 503 });
    expect(performance.now() - began).to.be.lessThan(15_000);
    expect(await sideOf('GET', '/v1/models')).to.equal('query');
    // What waits at the gateway for a service that is just being started anew gets its answer.
    const waiting = sideOf('POST', '/v1/inferences', '{}').catch(() => 'failed');
    await listen('command', port);
    await waiting;
    await eventually(async () => expect(await sideOf('POST', '/v1/inferences', '{}')).to.equal('command'), 15_000);
  });
});
