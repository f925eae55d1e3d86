import { expect } from 'chai';
import { problems } from '#contracts/problems.ts';
import { createDocsRoutes } from '#platform/http/docs-page.ts';
import { createOpsRoutes } from '#platform/http/ops-routes.ts';
import { type TestServer, openTestServer } from './http-test-server.ts';

const metrics = async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'up 1\n' });

describe('the routes of operators', () => {
  let server: TestServer;
  let broken: string | undefined;
  let stuck = false;
  before(async () => {
    const checks = {
      store: () => {
        if (broken) throw new Error(broken);
      },
      bus: () => (stuck ? new Promise<void>(() => undefined) : Promise.resolve()),
    };
    server = await openTestServer(createOpsRoutes({ checks, metrics, problems, checkTimeoutMs: 50 }));
  });
  after(() => server.close(1_000));

  it('is alive without a credential', async () => {
    const answer = await fetch(`${server.url}/healthz`);
    expect([answer.status, await answer.json()]).to.deep.equal([200, { status: 'alive' }]);
    expect(answer.headers.get('cache-control')).to.equal('no-store');
  });

  it('is ready while each check is', async () => {
    const answer = await fetch(`${server.url}/readyz`);
    expect(answer.status).to.equal(200);
    expect(await answer.json()).to.deep.equal({ status: 'ready', checks: { store: 'ready', bus: 'ready' } });
  });

  it('names the check that fails, and the one that does not answer', async () => {
    broken = 'the log is newer than this program';
    stuck = true;
    const answer = await fetch(`${server.url}/readyz`);
    expect([answer.status, answer.headers.get('retry-after')]).to.deep.equal([503, '1']);
    expect(await answer.json()).to.deep.equal({
      status: 'not ready',
      checks: { store: 'the log is newer than this program', bus: 'no answer within 50 ms' },
    });
  });

  it('tells the lag of each group, null for one that cannot be told', async () => {
    const lags = { one: async () => 3, two: () => Promise.reject(new Error('away')) };
    const telling = await openTestServer(createOpsRoutes({ checks: {}, lags, metrics, problems }));
    const answer = await fetch(`${telling.url}/readyz`);
    expect(await answer.json()).to.deep.equal({ status: 'ready', checks: {}, lag: { one: 3, two: null } });
    await telling.close(1_000);
  });

  it('shows metrics to this machine, not to one behind a proxy', async () => {
    const answer = await fetch(`${server.url}/metrics`);
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).to.deep.equal([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
      'up 1\n',
    ]);
    expect((await fetch(`${server.url}/metrics`, { headers: { 'x-forwarded-for': '10.0.0.1' } })).status).to.equal(403);
  });

  it('shows metrics to who has the token, once there is one', async () => {
    const guarded = await openTestServer(
      createOpsRoutes({ checks: {}, metrics, problems, metricsToken: 'secret-of-metrics' }),
    );
    try {
      const ask = async (authorization?: string) =>
        (await fetch(`${guarded.url}/metrics`, { headers: authorization === undefined ? {} : { authorization } }))
          .status;
      expect(await ask()).to.equal(401);
      expect(await ask('Bearer wrong')).to.equal(401);
      expect(await ask('Bearer secret-of-metrics')).to.equal(200);
    } finally {
      await guarded.close(1_000);
    }
  });
});

describe('the documents', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer(
      createDocsRoutes({ openapi: { openapi: '3.1.1', info: {} }, title: 'A <b>', problems }),
    );
  });
  after(() => server.close(1_000));

  it('serves the page with all that it names from this server', async () => {
    const answer = await fetch(`${server.url}/docs`);
    const page = await answer.text();
    expect(answer.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).to.contain("script-src 'self'").and.not.to.contain('http');
    expect(page).to.contain('<title>A &lt;b></title>');
    const named = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(named).to.have.length(4);
    for (const path of named) {
      expect(path.startsWith('/docs/')).to.equal(true);
      const file = await fetch(server.url + path);
      expect(file.status).to.equal(200);
      if (!path.endsWith('.png')) expect(file.headers.get('content-type')).to.contain('charset=utf-8');
      expect((await file.arrayBuffer()).byteLength).to.be.greaterThan(50);
    }
  });

  it('serves the OpenAPI document, and 304 to who has it', async () => {
    const answer = await fetch(`${server.url}/openapi.json`);
    expect(await answer.json()).to.deep.equal({ openapi: '3.1.1', info: {} });
    const again = await fetch(`${server.url}/openapi.json`, {
      headers: { 'if-none-match': answer.headers.get('etag') ?? '' },
    });
    expect([again.status, await again.text()]).to.deep.equal([304, '']);
  });

  it('says at a problem’s type what it means', async () => {
    expect(await (await fetch(`${server.url}/problems/body-too-large`)).json()).to.deep.equal({
      type: '/problems/body-too-large',
      code: 'body-too-large',
      status: 413,
      title: 'The body is too large',
    });
    expect((await fetch(`${server.url}/problems/constructor`)).status).to.equal(404);
  });
});
