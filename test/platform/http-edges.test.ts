// HTTP's edges, as people elsewhere have met them: a table of small inputs, each with the answer that is right.

import { expect } from 'chai';
import { once } from 'node:events';
import { connect } from 'node:net';
import { problems } from '#contracts/problems.ts';
import { createAuthenticator } from '../../compose/authenticator.ts';
import { authentication } from '#platform/http/authentication.ts';
import { exchange, type TestServer, KEY, openTestServer, problemOf } from './http-test-server.ts';
import { eventually } from '../support/eventually.ts';

const GOOD = '{"text":"b"}';
const headOf = (headers: Readonly<Record<string, string | number>>) =>
  `POST /v1/echo HTTP/1.1\r\nHost: a\r\nAuthorization: ${KEY}\r\nContent-Type: application/json\r\n${Object.entries(
    headers,
  )
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
const post = `${headOf({ 'Content-Length': GOOD.length })}${GOOD}`;
const statusesOf = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

/** Sends, closes the sending half, and reads to the end. */
async function sendAndClose(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  socket.end(bytes);
  await once(socket, 'end');
  return text;
}

describe('a member called __proto__', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server.close(1_000));

  for (const [name, body, pointer] of [
    ['beside the others', '{"text":"a","__proto__":1}', '/__proto__'],
    ['in another', '{"text":"a","parameters":{"__proto__":1}}', '/parameters/__proto__'],
    ['in a list', '{"text":[{"__proto__":{}}]}', '/text/0/__proto__'],
    ['escaped', String.raw`{"text":"a","parameters":{"\u005f_pr\u006Fto__":1}}`, '/parameters/__proto__'],
  ] as const) {
    it(`is refused ${name}, as any unknown one is`, async () => {
      const answer = await server.post('/v1/echo', body);
      expect(answer.status).to.equal(422);
      expect((await problemOf(answer)).errors).to.deep.equal([{ in: 'body', pointer, message: 'Unknown member' }]);
    });
  }

  it('may be spoken of', async () => {
    expect((await server.post('/v1/echo', '{"text":"__proto__ and \\u005f"}')).status).to.equal(201);
  });
});

describe('what a body is said to be', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server.close(1_000));

  for (const [type, status] of [
    ['application/json; profile="x"', 201],
    ['application/json; profile="https://a.example/b"; charset=UTF-8', 201],
    ['Application/JSON;charset="utf8"', 201],
    ['application/json; charset=latin1', 415],
    ['application/json-patch+json', 415],
    ['text/json', 415],
    ['json', 415],
  ] as const) {
    it(`is ${status === 201 ? 'taken' : 'refused'} as ${type}`, async () => {
      expect((await server.post('/v1/echo', GOOD, { 'content-type': type })).status).to.equal(status);
    });
  }
});

describe('a client that asks before it sends its body', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer(undefined, { bodyLimit: 1_000 });
  });
  after(() => server.close(1_000));

  const asking = (key: string, length: number) =>
    headOf({ 'Content-Length': length, Expect: '100-continue' }).replace(KEY, key);

  it('is told to go on where its body is wanted', async () => {
    const socket = connect(server.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.write(asking(KEY, GOOD.length));
    await eventually(() => expect(text).to.equal('HTTP/1.1 100 Continue\r\n\r\n'));
    socket.write(GOOD);
    await eventually(() => expect(statusesOf(text)).to.deep.equal([100, 201]));
    socket.destroy();
  });

  for (const [name, key, length, status] of [
    ['a body too large', KEY, 3_000_000, 413],
    ['a bad key', 'Bearer other', GOOD.length, 401],
    ['both', 'Bearer other', 3_000_000, 401],
  ] as const) {
    it(`is answered ${status} at once for ${name}, and the connection ends`, async () => {
      const text = await sendAndLook(server.port, asking(key, length));
      expect(statusesOf(text)).to.deep.equal([status]);
      expect(text.toLowerCase()).to.contain('\r\nconnection: close\r\n');
    });
  }
});

/** What comes back before anything more is sent. */
const sendAndLook = (port: number, bytes: string) => exchange(port, bytes, '"requestId"');

describe('a request with something unreadable behind it', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server.close(1_000));

  it('is answered, and then the rest is', async () => {
    const text = await exchange(server.port, `${post}garbage\r\n\r\n`);
    expect(statusesOf(text)).to.deep.equal([201, 400]);
  });

  it('is answered after those before it', async () => {
    const text = await exchange(server.port, `${post}${post}${post}\0\0\0`);
    expect(statusesOf(text)).to.deep.equal([201, 201, 201, 400]);
  });

  it('is answered 400 where the unreadable is its own body', async () => {
    const broken = `${headOf({ 'Transfer-Encoding': 'chunked' })}5\r\n{"tex\r\nzz\r\n`;
    const before = server.records.length;
    expect(statusesOf(await exchange(server.port, `${post}${broken}`))).to.deep.equal([201, 400]);
    await eventually(() => server.records.length === before + 2);
    const recorded = server.records.slice(before).map(({ status, aborted }) => ({ status, aborted }));
    expect(recorded).to.deep.equal([
      { status: 201, aborted: false },
      { status: 400, aborted: false },
    ]);
  });
});

describe('a client that closes its sending half', () => {
  it('behind its request gets the answer, and no socket is left', async () => {
    const server = await openTestServer();
    expect(statusesOf(await sendAndClose(server.port, post))).to.deep.equal([201]);
    expect(statusesOf(await sendAndClose(server.port, `${post}${post}`))).to.deep.equal([201, 201]);
    // The server's end waits for every connection.
    await server.close(30_000);
    expect(server.lines).to.deep.equal([]);
  });

  it('in the middle of its body is told so', async () => {
    const server = await openTestServer();
    expect(statusesOf(await sendAndClose(server.port, post.slice(0, -2)))).to.deep.equal([400]);
    await server.close(30_000);
  });

  it('before it has sent anything is let go', async () => {
    const server = await openTestServer();
    expect(await sendAndClose(server.port, '')).to.equal('');
    await server.close(30_000);
  });
});

describe('a credential', () => {
  let server: TestServer;
  before(async () => {
    const nobody = createAuthenticator({ get: async (streams) => streams.map(() => undefined) });
    server = await openTestServer(undefined, { authentication: authentication(nobody, problems) });
  });
  after(() => server.close(1_000));

  for (const [name, sent, detail, challenge] of [
    ['that is missing', undefined, 'Send an API key or an access token: Authorization: Bearer dft_…', 'Bearer'],
    [
      'without the word Bearer',
      'dft_1_2',
      'Send the API key behind the word Bearer: Authorization: Bearer dft_…',
      'Bearer',
    ],
    [
      'of another scheme',
      'Basic YTpi',
      'Send the API key behind the word Bearer: Authorization: Bearer dft_…',
      'Bearer',
    ],
    ['that nobody has', 'Bearer dft_1_2', 'The credential is not valid.', 'Bearer error="invalid_token"'],
  ] as const) {
    it(`${name} is answered 401 in words of its own`, async () => {
      const headers = sent === undefined ? {} : { authorization: sent };
      const answer = await fetch(`${server.url}/v1/things/a`, { headers });
      expect([answer.status, answer.headers.get('www-authenticate')]).to.deep.equal([401, challenge]);
      expect((await problemOf(answer)).detail).to.equal(detail);
    });
  }
});

describe('a URL with bytes that are not ASCII', () => {
  it('is refused in a sentence that says how to write it', async () => {
    const server = await openTestServer();
    const text = await exchange(server.port, Buffer.from('GET /v1/things/a?q=Günaydın HTTP/1.1\r\nHost: a\r\n\r\n'));
    expect(statusesOf(text)).to.deep.equal([400]);
    expect(Buffer.from(text, 'latin1').toString('utf8')).to.contain('Percent-encode').and.to.contain('ü is %C3%BC');
    await server.close(1_000);
  });
});

describe('an unknown query member', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server.close(1_000));

  for (const [method, path] of [
    ['POST', '/v1/echo'],
    ['PUT', '/v1/names/a'],
    ['GET', '/v1/things/a'],
  ] as const) {
    it(`is refused on ${method} ${path}`, async () => {
      const init = {
        method,
        headers: { 'content-type': 'application/json' },
        ...(method === 'POST' && { body: GOOD }),
      };
      const answer = await server.send(`${path}?wiat=5s`, init);
      expect(answer.status).to.equal(422);
      expect((await problemOf(answer)).errors?.[0]).to.include({ in: 'query', pointer: '/wiat' });
    });
  }
});
