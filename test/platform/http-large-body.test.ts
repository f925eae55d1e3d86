import { expect } from 'chai';
import { request } from 'node:http';
import { connect } from 'node:net';
import { eventually, exchange, type TestServer, KEY, openTestServer } from './http-test-server.ts';

const LIMIT = 10_000;
const HEAD = `POST /v1/echo HTTP/1.1\r\nHost: a\r\nAuthorization: ${KEY}\r\nContent-Type: application/json\r\n`;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const bodyOf = (length: number) => `{"text":"a"${' '.repeat(length - 12)}}`;

describe('bodies at and over the limit', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer(undefined, { bodyLimit: LIMIT });
  });
  after(() => server.close(1_000));

  it('takes a body of exactly the limit, announced or chunked', async () => {
    expect((await server.post('/v1/echo', bodyOf(LIMIT))).status).to.equal(201);
    const chunked = `${HEAD}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk(bodyOf(LIMIT))}0\r\n\r\n`;
    expect(await exchange(server.port, chunked)).to.match(/^HTTP\/1\.1 201 /);
  });

  it('answers 413 to one byte more, announced or chunked, and ends the connection', async () => {
    const announced = `${HEAD}Content-Length: ${LIMIT + 1}\r\n\r\n${bodyOf(LIMIT + 1)}`;
    const chunked = `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunk(bodyOf(LIMIT + 1))}0\r\n\r\n`;
    for (const bytes of [announced, chunked]) {
      const text = await exchange(server.port, bytes);
      expect(text).to.match(/^HTTP\/1\.1 413 /);
      expect(text.toLowerCase()).to.contain('\r\nconnection: close\r\n');
      expect(text).to.contain('"code":"body-too-large"').and.to.contain(`The limit is ${LIMIT} bytes.`);
    }
  });

  it('answers before a long body has been sent, to a client that reads only once it has sent all', async () => {
    const length = 20_000_000;
    const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const headers = { authorization: KEY, 'content-type': 'application/json', 'content-length': length };
      const sending = request(
        { port: server.port, host: '127.0.0.1', path: '/v1/echo', method: 'POST', headers },
        (res) => {
          let text = '';
          res.on('data', (part: Buffer) => (text += part.toString()));
          res.on('end', () => resolve({ status: res.statusCode, text }));
          res.on('error', reject);
        },
      );
      sending.on('error', reject);
      sending.end(Buffer.alloc(length, 0x20));
    });
    expect(answer.status).to.equal(413);
    expect(answer.text).to.contain('body-too-large');
  });

  it('does not act on what was pipelined behind a body too large', async () => {
    const before = server.records.length;
    const second = `${HEAD}Content-Length: 12\r\n\r\n{"text":"b"}`;
    const text = await exchange(
      server.port,
      `${HEAD}Content-Length: ${LIMIT + 1}\r\n\r\n${bodyOf(LIMIT + 1)}${second}`,
    );
    expect(text.match(/HTTP\/1\.1 /g)).to.have.length(1);
    await eventually(() => server.records.length > before);
    expect(server.records.slice(before).map((record) => record.status)).to.deep.equal([413]);
  });

  it('answers pipelined requests in order on one connection, faulty ones among them', async () => {
    const good = `${HEAD}Content-Length: 12\r\n\r\n{"text":"b"}`;
    const bad = `${HEAD}Content-Length: 3\r\n\r\n{x}`;
    const untyped = `POST /v1/echo HTTP/1.1\r\nHost: a\r\nAuthorization: ${KEY}\r\nContent-Length: 3\r\n\r\n{x}`;
    const last = `GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const text = await exchange(server.port, good + bad + untyped + good + last);
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
    expect(statuses).to.deep.equal([201, 400, 415, 201, 200]);
  });

  it('goes on serving new connections after many 413s at once', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => server.post('/v1/echo', bodyOf(LIMIT * 20))));
    expect(new Set(answers.map((answer) => answer.status))).to.deep.equal(new Set([413]));
    expect((await server.post('/v1/echo', '{"text":"a"}')).status).to.equal(201);
  });

  it('ends the connection of a refused stranger who announces a long body', async () => {
    const text = await exchange(
      server.port,
      `POST /v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n${'x'.repeat(100)}`,
      '"requestId"',
    );
    expect(text).to.match(/^HTTP\/1\.1 401 /);
    expect(text.toLowerCase()).to.contain('\r\nconnection: close\r\n');
  });

  it('records a client that leaves in the middle of its body, and logs no failure', async () => {
    const before = server.records.length;
    const failures = server.lines.filter((line) => line.level === 'error').length;
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${HEAD}Content-Length: 500\r\n\r\n{"text":`, () => setImmediate(() => socket.destroy()));
    await eventually(() => server.records.length > before);
    expect(server.records[before]).to.include({ status: 499, aborted: true });
    expect(server.lines.filter((line) => line.level === 'error')).to.have.length(failures);
  });
});

describe('slow and broken clients', () => {
  let server: TestServer;
  before(async () => {
    const limits = { headersTimeout: 200, connectionsCheckingInterval: 50, maxHeaderSize: 2_048 };
    server = await openTestServer(undefined, { bodyTimeoutMs: 200 }, limits);
  });
  after(() => server.close(1_000));

  it('gives up on headers and on a body that do not arrive', async () => {
    expect(await exchange(server.port, 'GET /open HTTP/1.1\r\nHost: a\r\n')).to.match(/^HTTP\/1\.1 408 /);
    const answer = await exchange(server.port, `${HEAD}Content-Length: 500\r\n\r\n{"text":`, '"requestId"');
    expect(answer).to.match(/^HTTP\/1\.1 408 /);
    expect(answer.toLowerCase()).to.contain('\r\nconnection: close\r\n');
    expect(answer).to.contain('"code":"request-timeout"');
  });

  for (const [name, bytes, status] of [
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    ['no Host', 'GET /open HTTP/1.1\r\n\r\n', 400],
    ['two lengths', `${HEAD}Content-Length: 3\r\nContent-Length: 4\r\n\r\n{x}`, 400],
    ['a length beside chunks', `${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['headers too large', `GET /open HTTP/1.1\r\nHost: a\r\nx-long: ${'a'.repeat(3_000)}\r\n\r\n`, 431],
  ] as const) {
    it(`answers ${status} to ${name} and ends the connection`, async () => {
      expect(await exchange(server.port, bytes)).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
    });
  }
});
