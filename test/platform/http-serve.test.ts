import { expect } from 'chai';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { bindRoute, type Handler } from '#platform/http/route.ts';
import { openHttpServer, PortUnavailable } from '#platform/http/serve.ts';
import { eventually, openTestServer } from './http-test-server.ts';

const slow = { id: 'slow', method: 'GET', path: '/slow', public: true } as const;
const waiting = { id: 'waiting', method: 'GET', path: '/waiting', public: true } as const;

/** Waits until nobody is to wait any longer. */
const answerWhenTold: Handler<typeof waiting> = async ({ signal }) => {
  if (!signal.aborted) await once(signal, 'abort');
  return { status: 202, body: { status: 'queued' } };
};

describe('the listening socket', () => {
  it('says in a sentence that the port is taken', async () => {
    const server = await openTestServer();
    try {
      const app = { callback: () => () => undefined };
      const silent = { debug() {}, info() {}, warn() {}, error() {} };
      const error = await openHttpServer({ app, host: '127.0.0.1', port: server.port, log: silent }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(PortUnavailable);
      expect((error as Error).message).to.equal(
        `Port ${server.port} on 127.0.0.1 is taken by another program: stop it, or set PORT to a free one.`,
      );
    } finally {
      await server.close(1_000);
    }
  });

  it('lets running requests end, refuses new ones, and ends idle connections', async () => {
    const gate = Promise.withResolvers<void>();
    let begun = false;
    const server = await openTestServer([
      bindRoute(slow, async () => {
        begun = true;
        await gate.promise;
        return { status: 200, body: { done: true } };
      }),
    ]);
    const agent = new Agent({ keepAlive: true });
    const running = get(`${server.url}/slow`, { agent });
    await eventually(() => begun);
    const closed = server.close(5_000);
    const refused = await fetch(`${server.url}/slow`).then(
      () => false,
      () => true,
    );
    expect(refused).to.equal(true);
    gate.resolve();
    const [answer] = (await once(running, 'response')) as [import('node:http').IncomingMessage];
    expect(answer.statusCode).to.equal(200);
    expect(answer.headers.connection).to.equal('close');
    answer.resume();
    await once(answer, 'end');
    await closed;
    agent.destroy();
  });

  it('cuts off what still runs when the grace period is over', async () => {
    let begun = false;
    let aborted = false;
    const server = await openTestServer([
      bindRoute(slow, async (request) => {
        const { signal } = request;
        begun = true;
        await new Promise<void>((resolve) => {
          // Not interested in the stop, only in the client's end.
          const timer = setInterval(
            () => signal.aborted && server.records.length > 0 && resolve(clearInterval(timer)),
            5,
          );
        });
        aborted = true;
        return { status: 200 };
      }),
    ]);
    const answer = fetch(`${server.url}/slow`).then(
      () => 'answered',
      () => 'cut off',
    );
    await eventually(() => begun);
    await server.close(50);
    expect(await answer).to.equal('cut off');
    await eventually(() => aborted);
    expect(server.lines.some((line) => line.message.includes('cut off'))).to.equal(true);
  });

  for (const [what, sent] of [
    ['has sent nothing', ''],
    ['has sent half a head', 'GET /slow HTTP/1.1\r\nHost: '],
  ] as const)
    it(`does not wait for a connection that ${what}`, async () => {
      const server = await openTestServer();
      const socket = connect(server.port, '127.0.0.1');
      await once(socket, 'connect');
      if (sent !== '') await new Promise((resolve) => socket.write(sent, resolve));
      // Answered on a connection made after it, so the server has taken both.
      await fetch(`${server.url}/absent`);
      const ended = once(socket, 'close');
      const began = performance.now();
      await server.close(10_000);
      expect(performance.now() - began).to.be.below(5_000);
      await ended;
    });

  it('tells those who wait to answer with what there is', async () => {
    let begun = false;
    const server = await openTestServer([
      bindRoute(waiting, (request) => {
        begun = true;
        return answerWhenTold(request);
      }),
    ]);
    const answer = fetch(`${server.url}/waiting`);
    await eventually(() => begun);
    await server.close(5_000);
    expect((await answer).status).to.equal(202);
  });

  it('tells also who begins to wait only after the server has begun to stop', async () => {
    const gate = Promise.withResolvers<void>();
    let begun = false;
    const server = await openTestServer([bindRoute(waiting, answerWhenTold)], {
      authentication: async (_, next) => {
        begun = true;
        await gate.promise;
        return next();
      },
    });
    const answer = fetch(`${server.url}/waiting`).then(({ status }) => status);
    await eventually(() => begun);
    const closed = server.close(5_000);
    gate.resolve();
    expect(await answer).to.equal(202);
    await closed;
  });

  it('tells also who begins to wait only after its client has closed its sending half', async () => {
    const server = await openTestServer([bindRoute(waiting, answerWhenTold)], {
      authentication: async ({ req }, next) => {
        await once(req.socket, 'end');
        return next();
      },
    });
    try {
      const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.setEncoding('latin1').end('GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n');
      expect((await socket.toArray()).join('')).to.match(/^HTTP\/1\.1 202 /);
    } finally {
      await server.close(1_000);
    }
  });

  it('aborts the signal of a client that leaves', async () => {
    let begun = false;
    let left = false;
    const server = await openTestServer([
      bindRoute(waiting, async ({ signal }) => {
        begun = true;
        await once(signal, 'abort');
        left = true;
        return { status: 202, body: {} };
      }),
    ]);
    try {
      const leaving = new AbortController();
      const answer = fetch(`${server.url}/waiting`, { signal: leaving.signal }).catch(() => 'left');
      await eventually(() => begun);
      leaving.abort();
      expect(await answer).to.equal('left');
      await eventually(() => left && server.records.length === 1);
      // It may as well have closed its sending half only: the answer with what there is was for who still reads.
      expect(server.records[0]).to.include({ routeId: 'waiting', status: 202 });
    } finally {
      await server.close(1_000);
    }
  });

  it('takes a connection that is reset in the middle of a request for a client that left', async () => {
    const gate = Promise.withResolvers<void>();
    let begun = false;
    const server = await openTestServer([
      bindRoute(slow, async () => {
        begun = true;
        await gate.promise;
        return { status: 200, body: {} };
      }),
    ]);
    try {
      const socket = connect(server.port, '127.0.0.1');
      socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
      await eventually(() => begun);
      socket.resetAndDestroy();
      await eventually(() => server.records.length === 1);
      gate.resolve();
      expect(server.records[0]).to.include({ status: 499, aborted: true });
      const answer = await fetch(`${server.url}/slow`);
      expect(answer.status).to.equal(200);
      expect(server.lines.filter((line) => line.level !== 'debug')).to.deep.equal([]);
    } finally {
      await server.close(1_000);
    }
  });
});
