import { expect } from 'chai';
import {
  brokenRoute,
  echoRoute,
  echoRoutes,
  exchange,
  type TestServer,
  KEY,
  openTestServer,
  problemOf,
} from './http-test-server.ts';

describe('bad input to the HTTP app', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server.close(1_000));

  const bodies: [name: string, body: string | Uint8Array, status: number, code: string, detail: string | RegExp][] = [
    [
      'an unfinished object',
      '{"text":"a"',
      400,
      'malformed-json',
      "The body is not JSON: Expected ',' or '}' after property value in JSON at position 11 (line 1 column 12).",
    ],
    ['a stray character', '{"text":\n x}', 400, 'malformed-json', /Unexpected token 'x', "\{"text":\n x\}"/],
    ['a trailing comma', '{"text":"a",}', 400, 'malformed-json', / at position 12 \(line 1 column 13\)\.$/],
    ['text after the JSON', '{"text":"a"} b', 400, 'malformed-json', / at position 13 \(line 1 column 14\)\.$/],
    ['a raw line break in a string', '{"text":"a\nb"}', 400, 'malformed-json', /position 10 /],
    ['a bad escape', String.raw`{"text":"a\q"}`, 400, 'malformed-json', /position 11 /],
    ['a word alone', 'hello', 400, 'malformed-json', /Unexpected token 'h', "hello"/],
    ['a byte order mark', '\ufeff{"text":"a"}', 400, 'malformed-json', /Unexpected token '\ufeff'/],
    [
      'bytes that are not UTF-8',
      Buffer.from('{"text":"\xff"}', 'latin1'),
      400,
      'malformed-json',
      'The body is not UTF-8.',
    ],
    ['half a surrogate pair', String.raw`{"text":"\ud83d"}`, 400, 'malformed-json', /surrogate/],
    ['a deep nest', '['.repeat(200_000), 400, 'malformed-json', 'The body is nested more than 100 levels deep.'],
    ['a deep nest that ends', '['.repeat(101) + ']'.repeat(101), 400, 'malformed-json', /100 levels/],
    ['nothing', '', 400, 'body-missing', 'Send a JSON body.'],
    ['no object', '[]', 422, 'invalid-request', /expected object, received array/],
  ];
  for (const [name, body, status, code, detail] of bodies) {
    it(`refuses ${name}`, async () => {
      const answer = await server.post('/v1/echo', body);
      expect(answer.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8');
      const problem = await problemOf(answer);
      expect([answer.status, problem.status, problem.code, problem.type]).to.deep.equal([
        status,
        status,
        code,
        `/problems/${code}`,
      ]);
      if (typeof detail === 'string') expect(problem.detail).to.equal(detail);
      else expect(problem.detail).to.match(detail);
      expect(problem.instance).to.equal('/v1/echo');
      expect(problem.requestId).to.equal(answer.headers.get('x-request-id'));
    });
  }

  it('says where a long body is broken', async () => {
    const body = `{"text":"${'a'.repeat(1_000_000)}\\n", "b": [${'1,'.repeat(100_000)}x]}`;
    const problem = await problemOf(await server.post('/v1/echo', body));
    expect(problem.detail).to.contain(`Unexpected token 'x', ..."1,1,1,1,1,x]}" is not valid JSON`);
  });

  it('accepts a nest of 100, whole pairs and escaped backslashes', async () => {
    const deep = `{"text":"[[[[ \\ud83d\\ude00 \\\\ud800","parameters":{}}`;
    expect((await server.post('/v1/echo', deep)).status).to.equal(201);
    const answer = await server.post('/v1/echo', '['.repeat(100) + ']'.repeat(100));
    expect(answer.status).to.equal(422);
  });

  it('names each field by its pointer', async () => {
    const body = { text: 5, parameters: { temperature: 7, 'top/k': 1 }, 'a~b': 1 };
    const answer = await server.post('/v1/echo', JSON.stringify(body));
    const { errors = [] } = await problemOf(answer);
    expect(answer.status).to.equal(422);
    expect(errors.map((fault) => fault.pointer).sort()).to.deep.equal([
      '/a~0b',
      '/parameters/temperature',
      '/parameters/top~1k',
      '/text',
    ]);
    expect(new Set(errors.map((fault) => fault.in))).to.deep.equal(new Set(['body']));
    expect(errors.find((fault) => fault.pointer === '/a~0b')?.message).to.equal('Unknown member');
  });

  it('says what is required', async () => {
    const { errors, detail } = await problemOf(await server.post('/v1/echo', '{}'));
    expect(errors).to.deep.equal([{ in: 'body', pointer: '/text', message: 'Required' }]);
    expect(detail).to.equal('/text: Required.');
  });

  const types: [type: string | undefined, status: number][] = [
    ['application/json', 201],
    ['application/json; charset=utf-8', 201],
    ['application/json;charset="UTF-8"', 201],
    ['Application/JSON', 201],
    ['application/json; charset=latin1', 415],
    ['application/ld+json', 415],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
  ];
  for (const [type, status] of types) {
    it(`answers ${status} to a body of ${type}`, async () => {
      const answer = await server.post('/v1/echo', '{"text":"a"}', { 'content-type': type ?? '' });
      expect(answer.status).to.equal(status);
      if (status === 415) {
        expect((await problemOf(answer)).detail).to.contain('application/json');
        expect(answer.headers.get('accept')).to.equal('application/json');
      }
    });
  }

  it('refuses a body without a type, and an encoded one by name', async () => {
    const untyped = await server.send('/v1/echo', { method: 'POST', body: new Uint8Array([123, 125]) });
    expect(untyped.status).to.equal(415);
    const encoded = await server.post('/v1/echo', 'x', { 'content-encoding': 'gzip' });
    expect(encoded.status).to.equal(415);
    expect((await problemOf(encoded)).detail).to.contain('gzip');
  });

  it('names faulty query parameters', async () => {
    const answer = await server.send('/v1/things/a?limit=many&order=up');
    expect(answer.status).to.equal(422);
    const { errors = [] } = await problemOf(answer);
    expect(errors.map(({ in: part, pointer }) => [part, pointer])).to.deep.equal([
      ['query', '/limit'],
      ['query', '/order'],
    ]);
  });

  for (const path of ['/v1/things/%zz', '/v1/things/a?limit=%zz', '/v1/names/%', '/v1/things/%c3%28']) {
    it(`answers 400 to ${path}`, async () => {
      const text = await exchange(
        server.port,
        `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${KEY}\r\nConnection: close\r\n\r\n`,
      );
      expect(text).to.match(/^HTTP\/1\.1 400 /);
      expect(text).to.contain('"code":"malformed-url"');
    });
  }

  it('takes a path parameter that cannot be a name for an absent one, except where PUT would make it', async () => {
    const read = await server.send('/v1/things/a-b');
    expect([read.status, (await problemOf(read)).code]).to.deep.equal([404, 'not-found']);
    const put = await server.send('/v1/names/a%20b', { method: 'PUT' });
    expect(put.status).to.equal(422);
    const { errors, error } = await problemOf(put);
    expect(errors).to.deep.equal([{ in: 'path', pointer: '/name', message: 'Must be a name' }]);
    expect(error).to.deep.equal({
      message: '/name: Must be a name.',
      type: 'invalid_request_error',
      param: 'name',
      code: 'invalid-request',
    });
  });

  const headers: [name: string, value: string, valid: boolean][] = [
    ['idempotency-key', 'abc', true],
    ['idempotency-key', '"abc"', true],
    ['idempotency-key', '"abc', false],
    ['idempotency-key', '""', false],
    ['idempotency-key', 'a'.repeat(256), false],
    ['idempotency-key', 'schl\u00fcssel', false],
    ['if-match', '"3"', true],
    ['if-match', '*', true],
    ['if-match', 'W/"3"', false],
    ['if-match', '"3", "4"', false],
    ['if-match', '3', false],
    ['x-consistency-token', 'a'.repeat(8_193), false],
  ];
  for (const [name, value, valid] of headers) {
    it(`${valid ? 'takes' : 'refuses'} ${name}: ${value.slice(0, 30)}`, async () => {
      const answer = await server.post('/v1/echo', '{"text":"a"}', { [name]: value });
      expect(answer.status).to.equal(valid ? 201 : 400);
      if (valid) return;
      const problem = await problemOf(answer);
      expect(problem.code).to.equal('malformed-header');
      expect(problem.errors?.[0]).to.include({ in: 'header', pointer: `/${name}` });
    });
  }

  it('answers 401 and 403, and reads no body for either', async () => {
    const headers = { 'content-type': 'text/plain', authorization: 'Bearer other' };
    const stranger = await server.send('/v1/echo', { method: 'POST', body: 'not json', headers });
    expect([stranger.status, (await problemOf(stranger)).code]).to.deep.equal([401, 'unauthorized']);
    expect(stranger.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"');
    const nobody = await fetch(`${server.url}/v1/things/a`);
    expect(nobody.headers.get('www-authenticate')).to.equal('Bearer');
    const secret = await server.send('/v1/secret');
    expect([secret.status, (await problemOf(secret)).detail]).to.deep.equal([
      403,
      'This needs the permission platform.',
    ]);
  });

  it('answers 404 and 405 to anyone, with Allow', async () => {
    expect((await fetch(`${server.url}/v1/nothing`)).status).to.equal(404);
    const wrong = await fetch(`${server.url}/v1/echo`, { method: 'DELETE' });
    expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'POST, OPTIONS']);
    const names = await fetch(`${server.url}/v1/names/a/b`, { method: 'POST' });
    expect([names.status, names.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD, PUT, OPTIONS']);
    const options = await fetch(`${server.url}/v1/things/a`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).to.deep.equal([204, 'GET, HEAD, OPTIONS']);
  });

  it('says nothing of an unexpected failure but its request id; the log has the rest', async () => {
    const answer = await server.post('/v1/broken', '{}', { 'x-request-id': 'trace-me' });
    expect(answer.status).to.equal(500);
    const text = await answer.text();
    expect(text).to.contain('Internal Server Error').and.to.contain('trace-me');
    expect(text).not.to.contain('hunter2');
    const line = server.lines.find(({ fields }) => fields['requestId'] === 'trace-me');
    expect(line?.level).to.equal('error');
    expect(String(line?.fields['err'])).to.contain('hunter2');
  });

  it('refuses at creation a route that names neither a permission nor that it is public', async () => {
    const route = { id: 'lost', method: 'GET', path: '/lost' } as const;
    const bound = { route, handle: () => ({ status: 200 }) };
    let message = '';
    await openTestServer([bound]).catch((error: Error) => (message = error.message));
    expect(message).to.equal('lost names no permission');
    expect(echoRoutes.some((one) => one.route.id === echoRoute.id || one.route.id === brokenRoute.id)).to.equal(true);
  });
});
