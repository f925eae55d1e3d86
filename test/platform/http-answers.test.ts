import { expect } from 'chai';
import { exchange, type TestServer, KEY, openTestServer } from './http-test-server.ts';
import { bindRoute } from '#platform/http/route.ts';
import { z } from 'zod';

describe('answers of the HTTP app', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server.close(1_000));

  it('gives the handler what the headers say', async () => {
    const answer = await server.post('/v1/echo', '{"text":"a"}', {
      'idempotency-key': String.raw`"a \"key\""`,
      'if-match': '"12"',
      'x-consistency-token': 'token',
      'x-request-id': 'my-id',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
    const body = (await answer.json()) as Record<string, unknown>;
    const { traceparent, ...rest } = body;
    expect(rest).to.deep.equal({
      body: { text: 'a', parameters: {} },
      idempotencyKey: 'a "key"',
      ifMatch: 12,
      consistencyToken: 'token',
      requestId: 'my-id',
    });
    expect(traceparent).to.match(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[\da-f]{16}-01$/);
    expect(traceparent).not.to.contain('00f067aa0ba902b7');
    expect(answer.headers.get('x-request-id')).to.equal('my-id');
    expect(answer.headers.get('location')).to.equal('/v1/things/1');
    expect(answer.headers.get('etag')).to.equal('"3"');
    expect(answer.headers.get('content-type')).to.equal('application/json; charset=utf-8');
  });

  it('makes a request id where the client sent none, or one that could forge a log line', async () => {
    for (const sent of [undefined, 'a b', 'x'.repeat(200), '<script>']) {
      const answer = await server.send('/v1/things/a', { headers: sent === undefined ? {} : { 'x-request-id': sent } });
      expect(answer.headers.get('x-request-id')).to.match(/^[\da-f]{8}-[\da-f-]{27}$/);
    }
  });

  for (const header of [
    'garbage',
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  ]) {
    it(`goes on without the trace ${header}`, async () => {
      const answer = await server.post('/v1/echo', '{"text":"a"}', { traceparent: header });
      expect(await answer.json()).not.to.have.property('traceparent');
    });
  }

  it('sends the headers that protect browsers', async () => {
    const { headers } = await fetch(`${server.url}/open`);
    expect(headers.get('content-security-policy')).to.equal("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).to.equal('nosniff');
    expect(headers.get('x-frame-options')).to.equal('SAMEORIGIN');
    expect(headers.get('x-powered-by')).to.equal(null);
  });

  it('answers HEAD as GET, without the body', async () => {
    const [get, head] = await Promise.all([
      server.send('/v1/things/a'),
      server.send('/v1/things/a', { method: 'HEAD' }),
    ]);
    expect(head.status).to.equal(200);
    expect(head.headers.get('content-length')).to.equal(get.headers.get('content-length'));
    expect(await head.text()).to.equal('');
    expect((await fetch(`${server.url}/v1/nothing`, { method: 'HEAD' })).status).to.equal(404);
  });

  const names: [path: string, method: string, route: string, name: string][] = [
    ['/v1/names/a', 'GET', 'getName', 'a'],
    ['/v1/names/org/a', 'GET', 'getName', 'org/a'],
    ['/v1/names/org%2Fa', 'GET', 'getName', 'org/a'],
    ['/v1/names/org/a/?x=/defaults', 'GET', 'getName', 'org/a'],
    ['/v1/names/a', 'PUT', 'putName', 'a'],
    ['/v1/names/a/defaults', 'PUT', 'putDefaults', 'a'],
    ['/v1/names/org/a/defaults', 'PUT', 'putDefaults', 'org/a'],
    ['/v1/names/org%2Fa/defaults/', 'PUT', 'putDefaults', 'org/a'],
    ['/v1/names/a%2Fdefaults', 'PUT', 'putName', 'a/defaults'],
    ['/v1/names/a%2Fdefaults/defaults', 'PUT', 'putDefaults', 'a/defaults'],
    ['/v1/names/defaults', 'PUT', 'putName', 'defaults'],
  ];
  for (const [path, method, route, name] of names) {
    it(`takes ${method} ${path} for ${route} of ${name}`, async () => {
      expect(await (await server.send(path, { method })).json()).to.deep.equal({ route, name });
    });
  }

  it('has no name that is empty', async () => {
    expect((await server.send('/v1/names/')).status).to.equal(404);
  });

  it('takes absolute URLs and repeated and encoded query parameters', async () => {
    const head = `HTTP/1.1\r\nHost: a\r\nAuthorization: ${KEY}\r\nConnection: close\r\n\r\n`;
    expect(await exchange(server.port, `GET http://a/v1/things/x?limit=%33 ${head}`)).to.contain('"limit":3');
    expect(await exchange(server.port, `GET /v1/things/x?limit=3&limit=4 ${head}`)).to.match(/^HTTP\/1\.1 422 /);
    expect(await exchange(server.port, `GET /v1/things/x?__proto__=1 ${head}`)).to.match(/^HTTP\/1\.1 422 /);
  });

  it('records each answer once, without the query', async () => {
    const { length } = server.records;
    const answer = await server.send('/v1/things/a?limit=1', { headers: { 'user-agent': 'tester' } });
    await answer.text();
    const record = server.records[length];
    expect(server.records).to.have.length(length + 1);
    expect(record).to.include({
      method: 'GET',
      path: '/v1/things/a',
      routeId: 'getThing',
      status: 200,
      tenantId: 'tenant-a',
      actorId: 'anna',
      userAgent: 'tester',
      aborted: false,
      problem: undefined,
    });
    expect(record?.durationMs).to.be.within(0, 2_000);
  });

  it('serves one connection many times', async () => {
    const one = `GET /open HTTP/1.1\r\nHost: a\r\n\r\n`;
    const last = `GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const text = await exchange(server.port, one.repeat(50) + last);
    expect(text.match(/HTTP\/1\.1 200 /g)).to.have.length(51);
  });
});

describe('answers checked against their contract', () => {
  it('become a 500 that says in the log what is unlike', async () => {
    const answers = { 200: { description: 'd', schema: z.object({ n: z.number() }) } };
    const route = {
      id: 'checked',
      method: 'GET',
      path: '/checked/{n}',
      public: true,
      answers,
      params: z.object({ n: z.string() }),
    } as const;
    const bound = bindRoute(route, ({ params: { n } }) =>
      n === 'other' ? { status: 201, body: {} } : { status: 200, body: { n: n === 'good' ? 1 : 'x' } },
    );
    const server = await openTestServer([bound], { checkAnswers: true });
    try {
      expect((await fetch(`${server.url}/checked/good`)).status).to.equal(200);
      expect((await fetch(`${server.url}/checked/bad`)).status).to.equal(500);
      expect((await fetch(`${server.url}/checked/other`)).status).to.equal(500);
      const said = server.lines.map((line) => String(line.fields['err']));
      expect(said[0]).to.contain('unlike its contract').and.to.contain('/n');
      expect(said[1]).to.contain('answered 201');
    } finally {
      await server.close(1_000);
    }
  });
});
