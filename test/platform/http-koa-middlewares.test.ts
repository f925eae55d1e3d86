// Middlewares that people know, in the places that the list of the HTTP app has for them.

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { expect } from 'chai';
import type Koa from 'koa';
import jwt from 'koa-jwt';
import ratelimit from 'koa-ratelimit';
import type { Context } from '#platform/http/context.ts';
import { caller, type TestServer, KEY, openTestServer, problemOf } from './http-test-server.ts';

const limited = (id: (ctx: Koa.Context) => string, max: number) =>
  ratelimit({ driver: 'memory', db: new Map(), duration: 60_000, max, id, throw: true });

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JSON Web Token, signed with HMAC-SHA256. */
function sign(claims: object, key: KeyObject): string {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

describe('koa-ratelimit', () => {
  let server: TestServer;
  afterEach(() => server.close(1_000));

  it('in the place per address refuses before anyone is asked who he is', async () => {
    server = await openTestServer(undefined, { limitPerAddress: [limited(({ ip }) => ip, 2)] });
    const stranger = () => fetch(`${server.url}/v1/things/a`);
    const first = await stranger();
    expect([first.status, first.headers.get('x-ratelimit-remaining')]).to.deep.equal([401, '1']);
    expect((await stranger()).status).to.equal(401);
    const refused = await stranger();
    expect(refused.status).to.equal(429);
    expect(refused.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8');
    expect(refused.headers.get('x-ratelimit-limit')).to.equal('2');
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
    expect(refused.headers.get('x-content-type-options')).to.equal('nosniff');
    const problem = await problemOf(refused);
    expect(problem).to.include({ type: '/problems/too-many-requests', status: 429, instance: '/v1/things/a' });
    expect(problem.detail).to.match(/^Rate limit exceeded/);
    expect(server.records.at(-1)).to.include({ status: 429, problem: 'too-many-requests', tenantId: undefined });
  });

  it('in the place per caller knows the caller, and reads no body', async () => {
    const perTenant = limited(({ state }) => (state as Context['state']).caller?.tenantId ?? '', 1);
    server = await openTestServer(undefined, { limitPerCaller: [perTenant] });
    expect((await fetch(`${server.url}/v1/things/a`)).status).to.equal(401);
    const taken = await server.post('/v1/echo', '{"text":"a"}');
    expect([taken.status, taken.headers.get('x-ratelimit-remaining')]).to.deep.equal([201, '0']);
    expect((await server.post('/v1/echo', 'not JSON')).status).to.equal(429);
    expect(server.records.at(-1)).to.include({ routeId: 'echo', status: 429, tenantId: 'tenant-a', actorId: 'anna' });
  });
});

describe('koa-jwt', () => {
  const secret = createSecretKey(Buffer.alloc(32, 7));
  let server: TestServer;
  before(async () => {
    const verify = jwt({ secret: secret as unknown as Buffer }).unless({
      custom: (ctx) => (ctx as unknown as Context).state.bound?.route.public === true,
    });
    server = await openTestServer(undefined, {
      authentication: (ctx, next) =>
        verify(ctx, () => {
          const { user } = ctx.state as { user?: { sub: string } };
          if (user !== undefined) ctx.state.caller = { ...caller, actor: { kind: 'user', id: user.sub } };
          return next();
        }),
    });
  });
  after(() => server.close(1_000));

  it('in the place of authentication says who is calling', async () => {
    const token = sign({ sub: 'berta' }, secret);
    const answer = await server.send('/v1/things/a', { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).to.equal(200);
    expect(server.records.at(-1)).to.include({ actorId: 'berta', tenantId: 'tenant-a', status: 200 });
    expect((await fetch(`${server.url}/open`)).status).to.equal(200);
  });

  for (const [name, authorization] of [
    ['a token of another', `Bearer ${sign({ sub: 'berta' }, createSecretKey(Buffer.alloc(32, 8)))}`],
    ['what is none', KEY],
  ] as const) {
    it(`answers 401 as a problem to ${name}`, async () => {
      const answer = await server.send('/v1/echo', { method: 'POST', body: 'not JSON', headers: { authorization } });
      expect(answer.status).to.equal(401);
      expect(answer.headers.get('www-authenticate')).to.equal('Bearer');
      expect(await problemOf(answer)).to.include({ code: 'unauthorized', detail: 'Authentication Error' });
      expect(server.records.at(-1)).to.include({ status: 401, problem: 'unauthorized', actorId: undefined });
    });
  }
});

describe('a middleware of anyone', () => {
  let server: TestServer;
  afterEach(() => server.close(1_000));
  const withMiddleware = async (middleware: Koa.Middleware) => {
    server = await openTestServer(undefined, { limitPerAddress: [middleware] });
    return fetch(`${server.url}/open`);
  };

  it('may answer with ctx.body alone', async () => {
    const answer = await withMiddleware((ctx) => void (ctx.body = { mine: true }));
    expect([answer.status, await answer.json()]).to.deep.equal([200, { mine: true }]);
    expect(answer.headers.get('x-request-id')).to.match(/^[\da-f-]{36}$/);
  });

  it('sees the answer behind next, and may add to it', async () => {
    const answer = await withMiddleware(async (ctx, next) => {
      await next();
      ctx.set('x-seen', `${ctx.status} ${typeof ctx.body}`);
    });
    expect(answer.headers.get('x-seen')).to.equal('200 string');
  });

  it('throws with ctx.throw what is shown, and keeps to itself what Koa would', async () => {
    const teapot = await withMiddleware((ctx) => ctx.throw(418, 'short and stout', { headers: { 'X-Pot': '1' } }));
    expect([teapot.status, teapot.headers.get('x-pot')]).to.deep.equal([418, '1']);
    const problem = await problemOf(teapot);
    expect(problem).to.include({ type: 'about:blank', title: "I'm a Teapot", code: 'i-m-a-teapot' });
    expect(problem.detail).to.equal('short and stout');
    await server.close(1_000);
    const hidden = await withMiddleware((ctx) => ctx.throw(503, 'the password is hunter2'));
    expect(hidden.status).to.equal(503);
    expect(await hidden.text()).not.to.contain('hunter2');
    await server.close(1_000);
    const foreign = await withMiddleware(() => {
      throw Object.assign(new Error('upstream says no'), { status: 401 });
    });
    expect(foreign.status).to.equal(500);
  });
});
