import { expect } from 'chai';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { echoRoutes, eventually, exchange, type TestServer, openTestServer, problemOf } from './http-test-server.ts';

const page = (req: IncomingMessage, res: ServerResponse) => {
  res.setHeader('content-security-policy', "default-src 'self'");
  res.end(`page at ${req.url}`);
};

const sink = async (req: IncomingMessage, res: ServerResponse) => {
  let bytes = 0;
  for await (const part of req) bytes += (part as Buffer).length;
  res.end(`took ${bytes}`);
};

describe('a mount', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer(echoRoutes, {
      mounts: [
        { id: 'page', prefix: '/ui', handle: page },
        { id: 'broken', prefix: '/broken', handle: () => Promise.reject(new Error('the password is hunter2')) },
        { id: 'sink', prefix: '/sink', handle: sink },
        { id: 'rest', prefix: '/', handle: (_, res) => void res.writeHead(404).end('nothing of mine') },
      ],
    });
  });
  after(() => server.close(1_000));

  it('answers for its path and all below, with headers of its own over the app’s', async () => {
    const answer = await fetch(`${server.url}/ui/a?b=1`);
    expect([answer.status, await answer.text()]).to.deep.equal([200, 'page at /ui/a?b=1']);
    expect(answer.headers.get('content-security-policy')).to.equal("default-src 'self'");
    expect(answer.headers.get('x-content-type-options')).to.equal('nosniff');
    expect(answer.headers.get('x-request-id')).to.equal(server.records.at(-1)?.requestId);
    expect(server.records.at(-1)).to.include({ routeId: 'page', path: '/ui/a', status: 200, method: 'GET' });
    expect(await (await fetch(`${server.url}/ui`)).text()).to.equal('page at /ui');
  });

  it('leaves what has another path to the next, and routes to the routes', async () => {
    const other = await fetch(`${server.url}/uix`);
    expect([other.status, await other.text()]).to.deep.equal([404, 'nothing of mine']);
    expect(server.records.at(-1)).to.include({ routeId: 'rest', status: 404 });
    expect((await fetch(`${server.url}/open`)).status).to.equal(200);
    expect((await fetch(`${server.url}/open`, { method: 'DELETE' })).status).to.equal(405);
  });

  it('is given any method and body', async () => {
    const text = await exchange(server.port, 'PROPFIND /ui HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(text).to.contain('page at /ui');
    const answer = await fetch(`${server.url}/ui`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(await answer.text()).to.equal('page at /ui');
  });

  const UPLOAD = 'POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n';

  it('is sent a body that waits to be asked for', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.setEncoding('latin1').write(`${UPLOAD}Expect: 100-continue\r\n\r\n`);
    const [asked] = (await once(socket, 'data')) as [string];
    expect(asked).to.equal('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('abc');
    expect((await socket.toArray()).join('')).to.match(/^HTTP\/1\.1 200 [^]*took 3/);
  });

  it('whose client leaves in the middle of an upload has not failed', async () => {
    const { length } = server.records;
    const failures = server.lines.filter(({ level }) => level === 'error').length;
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${UPLOAD}Expect: 100-continue\r\n\r\n`);
    await once(socket, 'data');
    socket.write('a', () => socket.resetAndDestroy());
    await eventually(() => server.records.length > length);
    expect(server.records.at(-1)).to.include({ routeId: 'sink', status: 499, aborted: true });
    await eventually(() => server.lines.some(({ message }) => message === 'a client left before it had sent its body'));
    expect(server.lines.filter(({ level }) => level === 'error')).to.have.length(failures);
  });

  it('that fails is a 500 that says no more', async () => {
    const answer = await fetch(`${server.url}/broken`);
    expect([answer.status, (await problemOf(answer)).detail]).to.deep.equal([500, 'Internal Server Error']);
    expect(server.records.at(-1)).to.include({ routeId: 'broken', status: 500 });
  });
});
