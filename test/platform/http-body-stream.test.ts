import { expect } from 'chai';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BodyTooLarge, BodyTooSlow, ClientGone } from '#platform/http/read-body.ts';
import { bindRoute } from '#platform/http/route.ts';
import { eventually } from '../support/eventually.ts';
import { exchange, type TestServer, KEY, openTestServer, problemOf } from './http-test-server.ts';

const MB = 1024 * 1024;
const LIMIT = 220 * MB;
const IDLE_MS = 150;

const upload = {
  id: 'upload',
  method: 'POST',
  path: '/v1/files',
  permission: 'echo:write',
  stream: { contentTypes: ['application/x-ndjson', 'multipart/form-data'], limit: LIMIT, idleMs: 30_000 },
} as const;
const hasty = { ...upload, id: 'hasty', path: '/v1/hasty', stream: { ...upload.stream, idleMs: IDLE_MS } } as const;
const small = { ...upload, id: 'small', path: '/v1/small', stream: { ...upload.stream, limit: 1_000 } } as const;
const slow = { ...upload, id: 'slow', path: '/v1/slow' } as const;
const late = { ...small, id: 'late', path: '/v1/late' } as const;
const hastyAndLate = { ...hasty, id: 'hastyAndLate', path: '/v1/hasty-and-late' } as const;
const refused = { ...upload, id: 'refused', path: '/v1/refused' } as const;

const HEAD = `Host: a\r\nAuthorization: ${KEY}\r\nContent-Type: application/x-ndjson\r\n`;
const chunked = (path: string) => `POST ${path} HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
/** Bytes of buffers that something still holds: what is merely not collected yet is collected first. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

const chunk = (length: number) => `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n`;

describe('a body that is a stream', () => {
  let server: TestServer;
  let failures: unknown[];
  let highest: number;
  let begun: boolean;

  beforeEach(async () => {
    failures = [];
    highest = 0;
    begun = false;
    const count = async (body: AsyncIterable<Buffer>) => {
      let bytes = 0;
      try {
        for await (const part of body) {
          bytes += part.length;
          if (bytes % (8 * MB) < part.length) {
            // A slow reader: the sender is held back, not buffered for.
            await turn();
            highest = Math.max(highest, heldBytes());
          }
        }
      } catch (error) {
        failures.push(error);
        throw error;
      }
      return { status: 201, body: { bytes } };
    };
    const slowly = async function* (body: AsyncIterable<Buffer>) {
      for await (const part of body) {
        yield part;
        await pause(20);
      }
    };
    const afterItsEnd = async (body: Readable) => {
      body.read();
      begun = true;
      await eventually(() => expect(body.destroyed).to.equal(true));
      return count(body);
    };
    server = await openTestServer([
      bindRoute(upload, ({ body }) => count(body)),
      bindRoute(hasty, ({ body }) => count(body)),
      bindRoute(small, ({ body }) => count(body)),
      bindRoute(slow, ({ body }) => count(slowly(body))),
      bindRoute(late, ({ body }) => afterItsEnd(body)),
      bindRoute(hastyAndLate, ({ body }) => afterItsEnd(body)),
      bindRoute(refused, () => ({ status: 409, body: {} })),
    ]);
  });
  afterEach(async () => {
    await server.close(5_000);
    expect(server.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
  });

  const send = (path: string, body: string, type = 'application/x-ndjson') =>
    server.send(path, { method: 'POST', body, headers: { 'content-type': type } });

  it('of 200 MB is read in bounded memory', async () => {
    const headers = { authorization: KEY, 'content-type': 'application/x-ndjson' };
    const sending = request(`${server.url}/v1/files`, { method: 'POST', headers });
    const answered = once(sending, 'response');
    const piece = Buffer.alloc(MB, 0x0a);
    const before = heldBytes();
    for (let sent = 0; sent < 200; sent++) if (!sending.write(piece)) await once(sending, 'drain');
    sending.end();
    const [answer] = (await answered) as [import('node:http').IncomingMessage];
    const body = (await answer.toArray()).join('');
    expect([answer.statusCode, body]).to.deep.equal([201, `{"bytes":${200 * MB}}`]);
    // What the sender and the sockets between have in hand is among it.
    expect(highest - before).to.be.below(20 * MB);
  }).timeout(60_000);

  it('is given to the handler as it was sent, also multipart, and may be empty', async () => {
    expect(await (await send('/v1/files', 'a\nb\n')).json()).to.deep.equal({ bytes: 4 });
    expect((await send('/v1/files', 'abc', 'multipart/form-data; boundary="x y"')).status).to.equal(201);
    expect(await (await send('/v1/files', '')).json()).to.deep.equal({ bytes: 0 });
  });

  for (const bytes of [1, 65_536, 300_000])
    it(`of ${bytes} bytes reaches a slow reader whole`, async () => {
      expect(await (await send('/v1/slow', 'x'.repeat(bytes))).json()).to.deep.equal({ bytes });
    });

  it('of another type is 415, before anything of it is read', async () => {
    const answer = await send('/v1/files', '{}', 'application/json');
    expect([answer.status, answer.headers.get('accept')]).to.deep.equal([
      415,
      'application/x-ndjson, multipart/form-data',
    ]);
  });

  it('is 413 beyond its bound, announced or not', async () => {
    const announced = await send('/v1/small', 'x'.repeat(1_001));
    expect([announced.status, (await problemOf(announced)).detail]).to.deep.equal([413, 'The limit is 1000 bytes.']);
    const text = await exchange(server.port, `${chunked('/v1/small')}${chunk(600)}${chunk(600)}`, '"requestId"');
    expect(text).to.match(/^HTTP\/1\.1 413 /);
    expect(text.toLowerCase()).to.contain('\r\nconnection: close\r\n');
    expect(failures).to.have.length(1);
    expect((await send('/v1/small', 'x'.repeat(1_000))).status).to.equal(201);
  });

  it('is 408 when its sender stalls', async () => {
    const began = performance.now();
    const text = await exchange(server.port, `${chunked('/v1/hasty')}${chunk(10)}`, '"requestId"');
    expect(text).to.match(/^HTTP\/1\.1 408 /);
    expect(text).to.contain('"code":"request-timeout"');
    expect(performance.now() - began).to.be.at.least(IDLE_MS);
    await eventually(() => expect(server.records[0]).to.include({ routeId: 'hasty', status: 408 }));
  });

  it('fails for the handler when its client leaves, and there is no one to answer', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${chunked('/v1/files')}${chunk(10)}`, () => setTimeout(() => socket.resetAndDestroy(), 20));
    await eventually(() => expect(server.records).to.have.length(1));
    expect(server.records[0]).to.include({ status: 499, aborted: true });
    await eventually(() => expect(failures).to.have.length(1));
  });

  for (const [why, { path }, body, error] of [
    ['its client has left', late, chunk(10), ClientGone],
    ['its sender has stalled', hastyAndLate, chunk(10), BodyTooSlow],
    ['it is too large', late, chunk(600) + chunk(600), BodyTooLarge],
  ] as const)
    it(`fails for a handler that reads it only when ${why}`, async () => {
      const socket = connect(server.port, '127.0.0.1');
      socket.write(chunked(path) + body);
      if (error === ClientGone) {
        await eventually(() => expect(begun).to.equal(true));
        socket.resetAndDestroy();
      }
      await eventually(() => expect(failures).to.have.length(1));
      expect(failures[0]).to.be.instanceOf(error);
      socket.destroy();
    });

  it('that nobody reads keeps the connection while it is short, and ends it when it is long', async () => {
    const short = `POST /v1/refused HTTP/1.1\r\n${HEAD}Content-Length: 4\r\n\r\nabcd`;
    const last = `POST /v1/small HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nConnection: close\r\n\r\nx`;
    const text = await exchange(server.port, `${short}${short}${last}`);
    expect([...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).to.deep.equal(['409', '409', '201']);
    const long = await exchange(
      server.port,
      `POST /v1/refused HTTP/1.1\r\n${HEAD}Content-Length: ${90 * MB}\r\n\r\nx`,
      '{}',
    );
    expect(long).to.match(/^HTTP\/1\.1 409 /);
    expect(long.toLowerCase()).to.contain('\r\nconnection: close\r\n');
  });

  it('is asked of a client that waits to be asked', async () => {
    const ask = `POST /v1/small HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nExpect: 100-continue\r\n\r\n`;
    expect(await exchange(server.port, ask, '\r\n\r\n')).to.equal('HTTP/1.1 100 Continue\r\n\r\n');
  });
});
