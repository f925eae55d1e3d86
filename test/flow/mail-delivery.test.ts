// How mails leave: without a mail server as files for whoever runs this, and to one that wants a login over TLS.

import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import PostalMime from 'postal-mime';
import { freePort } from '../services/free-port.ts';
import { createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { createSelfSigned } from '../support/self-signed.ts';
import { startSmtpServer } from '../support/smtp-server.ts';
import { type RunningDefter, startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a mail of one process', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const closing: (() => Promise<unknown>)[] = [];
  beforeEach(async () => (folder = await temporaryFolder()));
  afterEach(async () => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
    await folder.remove();
  });

  async function start(env: Readonly<Record<string, string>>): Promise<RunningDefter> {
    const defter = await startDefter(folder.path, { API_KEY: randomBytes(24).toString('hex'), ...env });
    closing.push(() => defter.stop());
    return defter;
  }
  const invite = async ({ url, key }: RunningDefter) => {
    const { status } = await createApi(url, key)('POST', '/v1/users', { body: { email: 'ada@example.com' } });
    expect(status).to.equal(201);
  };

  it('is a file in the outbox without a mail server: for its user alone, told in the log without its link', async () => {
    const defter = await start({ PUBLIC_URL: 'https://defter.example', LOG_LEVEL: 'info' });
    await invite(defter);
    const outbox = join(folder.path, 'outbox');
    await eventually(async () => expect((await readdir(outbox)).join()).to.match(/^[^,]+\.eml$/), 20_000);
    const [name = ''] = await readdir(outbox);
    const file = join(outbox, name);
    expect([(await stat(outbox)).mode & 0o777, (await stat(file)).mode & 0o777]).to.deep.equal([0o700, 0o600]);
    const text = await readFile(file, 'utf8');
    const [, token = ''] = /^https:\/\/defter\.example\/invitation#(\S+)$/m.exec(text) ?? [];
    expect(token).to.have.length.greaterThan(60);
    await eventually(() => expect(defter.printed()).to.include(file));
    expect(defter.printed()).not.to.include(token).and.not.to.include('ada@example.com');
  });

  it('that was not taken yet is sent after the process was killed, and once', async () => {
    const port = await freePort();
    const env = {
      API_KEY: randomBytes(24).toString('hex'),
      SMTP_URL: `smtp://127.0.0.1:${port}?tls=off`,
      MAIL_FROM: 'Defter <defter@sender.example>',
      PUBLIC_URL: 'https://defter.example',
    };
    const killed = await start(env);
    await invite(killed);
    await eventually(() => expect(killed.printed()).to.include('trying again'), 20_000);
    await killed.kill9();
    const server = await startSmtpServer({ port });
    closing.push(() => server.stop());
    const sends = await start(env);
    await eventually(() => expect(server.taken).to.have.length(1), 20_000);
    await sends.stop();
    const metrics = await start(env);
    await eventually(async () => {
      const text = await (await fetch(`${metrics.url}/metrics`)).text();
      expect(text).to.match(/^defter_consumer_lag_events\{group="workers\.mail"\} 0$/m);
    }, 20_000);
    expect(server.taken).to.have.length(1);
  });

  for (const secure of [false, true])
    it(`goes to a server that wants a login over ${secure ? 'TLS' : 'STARTTLS'}, whose authority is known`, async () => {
      const { key, certificate: cert } = createSelfSigned();
      const authority = join(folder.path, 'authority.pem');
      await writeFile(authority, cert);
      const password = randomBytes(12).toString('base64url');
      const server = await startSmtpServer({ key, cert, secure, login: `me:${password}` });
      closing.push(() => server.stop());
      const defter = await start({
        SMTP_URL: `${secure ? 'smtps' : 'smtp'}://me:${password}@localhost:${server.port}`,
        MAIL_FROM: 'Defter <defter@sender.example>',
        NODE_EXTRA_CA_CERTS: authority,
      });
      await invite(defter);
      await eventually(() => expect(server.taken).to.have.length(1), 20_000);
      const mail = await PostalMime.parse(server.taken[0]!.raw);
      expect(mail.from).to.deep.include({ name: 'Defter', address: 'defter@sender.example' });
      expect(server.logins).to.deep.equal([`me:${password}`]);
      // Nobody said where people reach it.
      expect(mail.text).to.match(/^http:\/\/127\.0\.0\.1:\d+\/invitation#/m);
      expect(defter.printed()).to.include('PUBLIC_URL is not set').and.not.to.include(password);
    });
});
