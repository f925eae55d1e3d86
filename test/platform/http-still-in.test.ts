// Open requests end with the standing of who opened them.

import { Readable } from 'node:stream';
import { expect } from 'chai';
import { problems } from '#contracts/problems.ts';
import type { Authentication } from '#platform/auth/authenticate.ts';
import { authentication } from '#platform/http/authentication.ts';
import { bindRoute, type Caller } from '#platform/http/route.ts';
import { answerWithEvents, type ServerEvent } from '#platform/http/sse.ts';
import { stillIn } from '#platform/http/still-in.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { caller, KEY, openTestServer, problemOf, type TestServer } from './http-test-server.ts';

/** One event, and then none until the stream is to end. */
async function* one(signal: AbortSignal): AsyncGenerator<readonly ServerEvent[]> {
  yield [{ data: 'first' }];
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

const needed = { permission: 'echo:read' } as const;
const routes = [
  bindRoute({ id: 'any', method: 'GET', path: '/v1/any', anyCaller: true } as const, ({ signal }) =>
    answerWithEvents({ events: one(signal), signal, heartbeatMs: 20 }),
  ),
  bindRoute({ id: 'events', method: 'GET', path: '/v1/events', ...needed } as const, ({ signal }) =>
    answerWithEvents({ events: one(signal), signal, heartbeatMs: 20 }),
  ),
  bindRoute({ id: 'file', method: 'GET', path: '/v1/file', ...needed } as const, () => ({
    status: 200,
    headers: { 'content-type': 'text/plain' },
    stream: new Readable({ read: () => undefined }),
  })),
  bindRoute({ id: 'poll', method: 'GET', path: '/v1/poll', ...needed } as const, async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return { status: 200, body: { secret: 'what it waited for' } };
  }),
  bindRoute({ id: 'deaf', method: 'GET', path: '/v1/deaf', ...needed } as const, async ({ signal }) => {
    expect(signal.aborted).to.equal(false);
    return new Promise<never>(() => undefined);
  }),
  bindRoute({ id: 'plain', method: 'GET', path: '/v1/plain', ...needed } as const, () => ({ status: 200, body: {} })),
];

describe('a request that is open when its caller’s standing goes', () => {
  let server: TestServer;
  let answer: Authentication;
  let asked = 0;
  let broken = false;
  const log = createQuietLog();
  beforeEach(async () => {
    asked = 0;
    broken = false;
    answer = { ok: true, caller };
    const authenticate = async (): Promise<Authentication> => {
      asked += 1;
      if (broken) throw new Error('the standings are away');
      return answer;
    };
    server = await openTestServer(routes, {
      authentication: [authentication(authenticate, problems), stillIn({ authenticate, problems, log, everyMs: 30 })],
    });
  });
  afterEach(() => server.close(0));

  const open = (path: string) => fetch(`${server.url}${path}`, { headers: { authorization: KEY } });
  const cut = async (response: Response) =>
    response.text().then(
      () => 'ended',
      () => 'cut',
    );

  for (const path of ['/v1/events', '/v1/file'])
    it(`is cut where it streams (${path})`, async () => {
      const response = await open(path);
      expect(response.status).to.equal(200);
      answer = { ok: false, reason: 'revoked' };
      expect(await cut(response)).to.equal('cut');
    });

  it('is cut where anybody may open it, when they hold less than then', async () => {
    const response = await open('/v1/any');
    answer = { ok: true, caller: { ...caller, permissions: new Set([...caller.permissions, 'more']) } };
    const later = await open('/v1/any');
    await eventually(() => asked > 4);
    answer = { ok: true, caller };
    expect(await cut(later)).to.equal('cut');
    answer = { ok: true, caller: { ...caller, permissions: new Set() } };
    expect(await cut(response)).to.equal('cut');
  });

  it('is answered 401 where it waits, with nothing of what it waited for', async () => {
    const waiting = open('/v1/poll');
    await eventually(() => asked > 0);
    answer = { ok: false, reason: 'session-ended' };
    const response = await waiting;
    expect(response.status).to.equal(401);
    expect(await problemOf(response)).to.include({ code: 'unauthorized', detail: 'The session has ended.' });
  });

  it('is cut where its handler does not listen', async () => {
    const waiting = open('/v1/deaf');
    await eventually(() => asked > 0);
    answer = { ok: false, reason: 'revoked' };
    expect(
      await waiting.then(
        () => 'answered',
        () => 'cut',
      ),
    ).to.equal('cut');
  });

  for (const [what, lesser, code] of [
    ['the permission', { permissions: new Set<string>() }, 'forbidden'],
    ['the tenant, which was suspended', { suspended: 'unpaid' }, 'tenant-suspended'],
  ] as const)
    it(`ends too when the caller only loses ${what}`, async () => {
      const waiting = open('/v1/poll');
      await eventually(() => asked > 0);
      answer = { ok: true, caller: { ...caller, ...lesser } satisfies Caller };
      const response = await waiting;
      expect([response.status, (await problemOf(response)).code]).to.deep.equal([403, code]);
    });

  it('goes on while the standings cannot be read, and is looked at again', async () => {
    const response = await open('/v1/events');
    broken = true;
    const before = asked;
    await eventually(() => asked >= before + 3);
    expect(server.records).to.have.length(0);
    broken = false;
    answer = { ok: false, reason: 'revoked' };
    expect(await cut(response)).to.equal('cut');
  });

  it('is looked at once for all that one credential has open, and nothing is once none is open', async () => {
    const responses = [await open('/v1/events'), await open('/v1/events'), await open('/v1/events')];
    const before = asked;
    await eventually(() => asked > before);
    expect(asked).to.equal(before + 1);
    for (const response of responses) await response.body?.cancel();
    await eventually(() => server.records.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const after = asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(asked).to.equal(after);
    expect((await open('/v1/plain')).status).to.equal(200);
    expect(asked).to.equal(after + 1);
  });
});
