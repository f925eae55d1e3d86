// Who administers an installation from its first start on, and when everyone is locked out.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { SignedIn } from '#contracts/people.ts';
import { createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { logHead } from '../support/log-head.ts';
import { refusal } from '../support/refusal.ts';
import { DidNotStart, type RunningDefter, startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const run = promisify(execFile);

const NEW_PASSWORD = 'a long sentence of mine';

describe('the first administrator', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let running: RunningDefter[];
  beforeEach(async () => {
    folder = await temporaryFolder();
    running = [];
  });
  afterEach(async () => {
    for (const defter of running) await defter.kill9();
    await folder.remove();
  });

  const start = async (env: Record<string, string> = {}) => {
    const defter = await startDefter(folder.path, { CHECK_ANSWERS: 'on', ...env });
    running.push(defter);
    return defter;
  };
  const login = (url: string, email: string, password: string) =>
    createApi(url, undefined)<SignedIn>('POST', '/v1/auth/login', { body: { email, password } });
  const admin = async (...args: string[]) => {
    const env = { PATH: process.env['PATH'], DATA_DIR: folder.path };
    const { stdout, stderr } = await run(process.execPath, [MAIN, 'admin', ...args], { cwd: tmpdir(), env });
    return { password: stdout.trim(), said: stderr };
  };

  it('is in a file for the owner only until they sign in, and must set a password of their own', async () => {
    const defter = await start({ LOG_DIR: './logs', LOG_LEVEL: 'debug' });
    const file = join(folder.path, 'first-admin');
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    const [email = '', password = ''] = (await readFile(file, 'utf8')).split('\n');
    expect(email).to.equal('admin@localhost');
    expect(defter.printed()).to.include(`The platform's administrator is ${email}; the password is in ${file}`);
    const signedIn = await login(defter.url, email, password);
    expect(signedIn.body).to.include({ passwordChangeRequired: true });
    expect(existsSync(file)).to.equal(false);
    const api = createApi(defter.url, signedIn.body.accessToken);
    expectProblem(await api('GET', '/v1/models'), 403, 'password-change-required');
    expectProblem(await api('PATCH', '/v1/me', { body: { name: 'Someone' } }), 403, 'password-change-required');
    const change = { email: 'thief@example.com', password };
    expectProblem(await api('POST', '/v1/me/email', { body: change }), 403, 'password-change-required');
    expect((await api('GET', '/v1/me')).body).to.include({ passwordChangeRequired: true });
    const body = { current: password, password: NEW_PASSWORD };
    expect((await api('PUT', '/v1/auth/password', { body })).status).to.equal(204);
    expect((await api('GET', '/v1/models')).status).to.equal(200);
    expect((await login(defter.url, email, NEW_PASSWORD)).body).not.to.have.property('passwordChangeRequired');
    expect(await defter.stop()).to.equal(0);
    const logs = join(folder.path, 'logs');
    for (const name of await readdir(logs)) {
      const text = await readFile(join(logs, name), 'utf8');
      expect(text, name).not.to.include(password).and.not.to.include(NEW_PASSWORD);
    }
  });

  it('is made once, and stays as they are whatever later starts say', async () => {
    const first = await start();
    const file = await readFile(join(folder.path, 'first-admin'), 'utf8');
    expect(await first.stop()).to.equal(0);
    const head = logHead(folder.path);
    const second = await start({ ADMIN_EMAIL: 'other@example.com', ADMIN_PASSWORD: NEW_PASSWORD });
    expect(logHead(folder.path)).to.equal(head);
    expect(await readFile(join(folder.path, 'first-admin'), 'utf8')).to.equal(file);
    expect(second.printed()).not.to.include("platform's administrator");
    expectProblem(await login(second.url, 'other@example.com', NEW_PASSWORD), 401, 'invalid-credentials');
    expect(await second.stop()).to.equal(0);
  });

  it('has the address and password of the settings, and nothing is written of them', async () => {
    const defter = await start({ ADMIN_EMAIL: 'ops@example.com', ADMIN_PASSWORD: NEW_PASSWORD });
    expect(existsSync(join(folder.path, 'first-admin'))).to.equal(false);
    expect(defter.printed()).not.to.include(NEW_PASSWORD);
    const signedIn = await login(defter.url, 'ops@example.com', NEW_PASSWORD);
    expect([signedIn.status, signedIn.body.passwordChangeRequired]).to.deep.equal([200, undefined]);
  });

  it('is refused an address or a password that one could not sign in by, in a sentence', async () => {
    for (const [env, said] of [
      [{ ADMIN_EMAIL: 'two words@example.com' }, 'ADMIN_EMAIL must be an e-mail address'],
      [{ ADMIN_EMAIL: 'a..b@example.com' }, 'no e-mail address that one could sign in by'],
      [{ ADMIN_PASSWORD: 'short' }, 'ADMIN_PASSWORD must be'],
      [{ ADMIN_PASSWORD: 'passwordpassword' }, 'among the passwords that are tried first'],
      [{ ADMIN_PASSWORD: 'ops.team-2026', ADMIN_EMAIL: 'Ops.Team@example.com' }, 'that are tried first'],
    ] as const) {
      const error = await refusal(DidNotStart, start(env));
      expect([error.exitCode, error.printed]).to.deep.equal([1, error.printed]);
      expect(error.printed).to.include(said).and.not.to.include('    at ');
    }
  });

  it('is reset from the shell beside a running server, and all sessions end', async () => {
    const defter = await start({ ADMIN_PASSWORD: NEW_PASSWORD, LOGIN_LIMIT_PER_ADDRESS: '1000' });
    const before = await login(defter.url, 'admin@localhost', NEW_PASSWORD);
    const kept = await admin();
    expect([kept.password, kept.said.includes('--reset makes a new one')]).to.deep.equal(['', true]);
    for (let n = 0; n < 10; n++) await login(defter.url, 'admin@localhost', 'a guess of someone');
    expectProblem(await login(defter.url, 'admin@localhost', NEW_PASSWORD), 429, 'too-many-requests');
    const { password, said } = await admin('--reset');
    expect(said).to.include('admin@localhost').and.to.include(folder.path).and.not.to.include(password);
    await eventually(async () => {
      const signedIn = await login(defter.url, 'admin@localhost', password);
      expect(signedIn.body).to.include({ passwordChangeRequired: true });
    });
    expectProblem(await createApi(defter.url, before.body.accessToken)('GET', '/v1/me'), 401, 'unauthorized');
    expectProblem(await login(defter.url, 'admin@localhost', NEW_PASSWORD), 401, 'invalid-credentials');
  });

  it('is joined by another from the shell, also where nothing runs', async () => {
    expect(await (await start()).stop()).to.equal(0);
    const { password } = await admin('--email', 'second@example.com');
    const defter = await start();
    const signedIn = await login(defter.url, 'second@example.com', password);
    const me = await createApi(defter.url, signedIn.body.accessToken)('GET', '/v1/me');
    expect(me.body).to.deep.include({
      email: 'second@example.com',
      tenants: [{ id: 'platform', name: 'platform', role: 'platform-admin' }],
    });
    expect(me.body['permissions']).to.include('platform');
  });

  it('is made from the shell only of an address that one could sign in by', async () => {
    expect(await (await start()).stop()).to.equal(0);
    const head = logHead(folder.path);
    const failed = await admin('--email', 'a..b@example.com').then(
      () => expect.fail('it was made'),
      (error: { stderr: string; code: number }) => error,
    );
    expect([failed.code, failed.stderr]).to.deep.equal([1, failed.stderr]);
    expect(failed.stderr).to.include('a..b@example.com').and.not.to.include('    at ');
    expect(logHead(folder.path)).to.equal(head);
  });

  it('is made from the shell only where there is a log', async () => {
    const failed = await admin().then(
      () => expect.fail('it was made'),
      (error: { stderr: string; code: number }) => error,
    );
    expect([failed.code, failed.stderr]).to.deep.equal([1, failed.stderr]);
    expect(failed.stderr).to.include(folder.path).and.not.to.include('    at ');
    expect(await readdir(folder.path)).to.deep.equal([]);
  });
});
