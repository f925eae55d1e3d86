import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { SignedIn } from '#contracts/people.ts';
import { createApi } from '../support/api-client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { type RunningDefter, startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('TOKEN_KEY, raised', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let running: RunningDefter | undefined;
  const password = randomBytes(12).toString('hex');
  beforeEach(async () => (folder = await temporaryFolder()));
  afterEach(async () => {
    await running?.kill9();
    await folder.remove();
  });
  const start = async (env: Record<string, string>) => {
    running = await startDefter(folder.path, { CHECK_ANSWERS: 'on', ADMIN_PASSWORD: password, ...env });
    return running;
  };

  it('voids every access token at once, and sessions go on', async () => {
    const first = await start({});
    const body = { email: 'admin@localhost', password };
    const before = await createApi(first.url, undefined)<SignedIn>('POST', '/v1/auth/login', { body });
    expect((await createApi(first.url, before.body.accessToken)('GET', '/v1/me')).status).to.equal(200);
    expect(await first.stop()).to.equal(0);
    const { url } = await start({ TOKEN_KEY: '2' });
    expectProblem(await createApi(url, before.body.accessToken)('GET', '/v1/me'), 401, 'unauthorized');
    const { refreshToken } = before.body;
    const after = await createApi(url, undefined)<SignedIn>('POST', '/v1/auth/refresh', { body: { refreshToken } });
    expect(after.status).to.equal(200);
    expect((await createApi(url, after.body.accessToken)('GET', '/v1/me')).status).to.equal(200);
  });
});
