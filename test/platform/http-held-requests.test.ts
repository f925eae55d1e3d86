import { expect } from 'chai';
import { z } from 'zod';
import type { Authentication } from '#platform/auth/authenticate.ts';
import { authentication } from '#platform/http/authentication.ts';
import { bindRoute } from '#platform/http/route.ts';
import { problems } from '#contracts/problems.ts';
import { answerWithEvents, type ServerEvent } from '#platform/http/sse.ts';
import { caller, eventually, openTestServer, problemOf, type TestServer } from './http-test-server.ts';

const eventsRoute = {
  id: 'events',
  method: 'GET',
  path: '/events',
  anyCaller: true,
  answers: { 200: { contentType: 'text/event-stream' } },
} as const;
const waitRoute = {
  id: 'wait',
  method: 'GET',
  path: '/wait',
  anyCaller: true,
  query: z.strictObject({ wait: z.string().optional() }),
} as const;

const leave = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve));

/** Says one thing, and nothing more until its client has left. */
async function* almostSilent(signal: AbortSignal): AsyncGenerator<readonly ServerEvent[]> {
  yield [{ data: 'here' }];
  await leave(signal);
}

describe('requests that are held', () => {
  let server: TestServer;
  let leaving: AbortController;
  let waiting: number;
  beforeEach(async () => {
    leaving = new AbortController();
    waiting = 0;
    server = await openTestServer(
      [
        bindRoute(eventsRoute, ({ signal }) => answerWithEvents({ events: almostSilent(signal), signal })),
        bindRoute(waitRoute, async ({ query, signal }) => {
          if (query.wait !== undefined) {
            waiting++;
            await leave(signal);
          }
          return { status: 200, body: {} };
        }),
      ],
      {
        authentication: authentication(({ headers }): Authentication => {
          const [tenantId = '', id = ''] = (headers.authorization ?? '').split('/');
          return { ok: true, caller: { ...caller, tenantId, actor: { kind: 'api-key', id } } };
        }, problems),
        heldAtOnce: { perCaller: 2, perTenant: 3 },
      },
    );
  });
  afterEach(async () => {
    leaving.abort();
    await server.close(1_000);
  });

  const ask = (who: string, path: string) =>
    fetch(server.url + path, { headers: { authorization: who }, signal: leaving.signal });
  /** Begins to wait. */
  async function hold(who: string, path: string) {
    const opened = ask(who, path);
    opened.catch(() => undefined);
    if (path === '/events') expect((await opened).status).to.equal(200);
    else await eventually(() => waiting === 1);
  }

  it('are refused beyond so many of one caller, streams and waits together', async () => {
    await hold('a/anna', '/events');
    await hold('a/anna', '/wait?wait=30s');
    let refused = await ask('a/anna', '/events');
    expect([refused.status, refused.headers.get('retry-after')]).to.deep.equal([429, '5']);
    expect(await problemOf(refused)).to.include({ code: 'too-many-requests' });
    refused = await ask('a/anna', '/wait?wait=30s');
    expect(refused.status).to.equal(429);
    expect((await ask('a/anna', '/wait')).status).to.equal(200);
    expect((await ask('b/berta', '/events')).status).to.equal(200);
  });

  it('are refused beyond so many of one tenant, and not to another', async () => {
    for (const who of ['a/anna', 'a/anna', 'a/berta']) await hold(who, '/events');
    expect((await ask('a/berta', '/events')).status).to.equal(429);
    expect((await ask('a/cem', '/events')).status).to.equal(429);
    expect((await ask('b/deniz', '/events')).status).to.equal(200);
  });

  it('make room when they are over', async () => {
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 2; n++) await hold('a/anna', '/events');
      expect((await ask('a/anna', '/events')).status).to.equal(429);
      const before = server.records.length;
      leaving.abort();
      leaving = new AbortController();
      await eventually(() => server.records.length === before + 2);
    }
  });
});
