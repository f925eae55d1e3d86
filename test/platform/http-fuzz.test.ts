import { expect } from 'chai';
import fc from 'fast-check';
import { exchange, type TestServer, KEY, openTestServer } from './http-test-server.ts';

describe('whatever is sent to the HTTP app', () => {
  let server: TestServer;
  before(async () => {
    const limits = { headersTimeout: 300, connectionsCheckingInterval: 50 };
    server = await openTestServer(undefined, { bodyLimit: 5_000, bodyTimeoutMs: 600 }, limits);
  });
  afterEach(async () => {
    expect((await server.post('/v1/echo', '{"text":"still here"}')).status).to.equal(201);
    expect(server.lines.filter((line) => line.level === 'error')).to.deep.equal([]);
  });
  after(() => server.close(1_000));

  const bodies = fc.oneof(
    fc.json(),
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 6_000 }),
    fc
      .record({ text: fc.anything(), parameters: fc.anything(), __proto__: fc.anything() }, { requiredKeys: [] })
      .map((value) => {
        try {
          return JSON.stringify(value);
        } catch {
          return '{';
        }
      }),
  );

  it('as a body is taken or refused as 4xx, never a 500', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const answer = await server.post('/v1/echo', body);
        expect(answer.status).to.be.oneOf([201, 400, 413, 422]);
        const text = await answer.text();
        expect(() => JSON.parse(text) as unknown).not.to.throw();
      }),
      { numRuns: 200 },
    );
  });

  const token = fc.stringMatching(/^[A-Za-z-]{1,20}$/);
  const names = fc.constantFrom(
    'idempotency-key',
    'if-match',
    'x-consistency-token',
    'traceparent',
    'x-request-id',
    'content-type',
  );
  const value = fc.string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
    maxLength: 300,
  });
  const header = fc
    .tuple(fc.oneof(names, token), value)
    .filter(([name]) => !/^(?:connection|host|upgrade|expect)$/i.test(name));

  it('as headers and a path is answered below 500, and the connection ends', async () => {
    const paths = fc.oneof(
      fc.webPath(),
      fc.stringMatching(/^\/v1\/(?:echo|names\/[!-~]{0,30}|things\/[!-~]{0,30})$/),
      fc.stringMatching(/^\/[!-~]{0,60}$/),
    );
    const methods = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND');
    await fc.assert(
      fc.asyncProperty(methods, paths, fc.array(header, { maxLength: 6 }), async (method, path, headers) => {
        const fields = [
          ['Host', 'a'],
          ['Authorization', KEY],
          ['Content-Length', '0'],
          ['Connection', 'close'],
          ...headers,
        ];
        const lines = fields.map(([name, text]) => `${name}: ${text}\r\n`).join('');
        const text = await exchange(server.port, Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`, 'latin1'));
        const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
        expect(status).to.be.within(200, 431);
      }),
      { numRuns: 200 },
    );
  });

  it('as raw bytes gets an answer or a closed connection, and never hangs', async () => {
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
        fc.constantFrom(
          'GET /open HTTP/1.1\r\n',
          'Host: a\r\n',
          'Content-Length: 5\r\n',
          'Transfer-Encoding: chunked\r\n',
          '\r\n',
          '5\r\n',
          '0\r\n\r\n',
        ),
      ),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => {
        const end = '\r\n\r\nGET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
        const text = await exchange(server.port, Buffer.from(parts.join('') + end, 'latin1'));
        for (const [, status] of text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) expect(Number(status)).to.be.below(500);
      }),
      { numRuns: 60 },
    );
  });
});
