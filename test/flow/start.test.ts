import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { identifyApiKey } from '#platform/auth/api-key.ts';
import { createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { startBreakableStandIn } from '../support/eventstore-event-store.ts';
import { logHead } from '../support/log-head.ts';
import { refusal } from '../support/refusal.ts';
import { secretOf } from '../support/secret-of.ts';
import { DidNotStart, type RunningDefter, startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const KEY = 'a-key-of-my-own-that-is-long-enough-0123456789';
const run = promisify(execFile);

/** A verb of the command line, in the environment that the server has. */
const verb = (dataDir: string, ...args: string[]) =>
  run(process.execPath, [MAIN, ...args], { cwd: tmpdir(), env: { PATH: process.env['PATH'], DATA_DIR: dataDir } });

const submit = { body: { model: 'language-id', input: 'Merhaba, bugün hava çok güzel ve deniz sakin.' } };

describe('a start', function () {
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

  /** A start that must fail: exit code 1, and nothing on its outputs but these sentences. */
  const fault = async (env: Record<string, string>, ...sentences: RegExp[]) => {
    const error = await refusal(DidNotStart, start(env));
    const lines = error.printed.trim().split('\n');
    expect(error.exitCode, error.printed).to.equal(1);
    expect(lines, error.printed).to.have.length(sentences.length);
    for (const [i, sentence] of sentences.entries()) expect(lines[i]).to.match(sentence).and.to.match(/\.$/);
  };

  it('not on a terminal writes the first key to a file for the owner only, and prints where', async () => {
    const defter = await start({ LOG_DIR: './logs', LOG_LEVEL: 'debug' });
    const file = join(folder.path, 'first-key');
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    const key = (await readFile(file, 'utf8')).trim();
    expect(defter.printed()).to.include(`The first API key is in ${file}`);
    const api = createApi(defter.url, key);
    const { scopes } = (await api<{ data: { scopes: string[] }[] }>('GET', '/v1/api-keys')).body.data[0] ?? {
      scopes: [],
    };
    expect(scopes).to.include('platform').and.include('inference:write');
    const { id } = (await api<{ id: string }>('POST', '/v1/inferences', submit)).body;
    expect((await api('GET', `/v1/inferences/${id}?wait=30s`)).body).to.nested.include({ 'output.label': 'tr' });
    await createApi(defter.url, `${key.slice(0, -2)}xx`)('GET', '/v1/models');
    expect(await defter.stop()).to.equal(0);
    expect(defter.printed()).not.to.include(key).and.not.to.include(secretOf(key));
    const logs = join(folder.path, 'logs');
    const names = await readdir(logs);
    expect(names).to.include.members(['application.log', 'access.log']);
    for (const name of names) {
      const text = await readFile(join(logs, name), 'utf8');
      expect(text.length, name).to.be.greaterThan(100);
      expect(text, name).not.to.include(secretOf(key)).and.not.to.include('Merhaba');
    }
  });

  it('after another keeps all data and makes no new key', async () => {
    const first = await start();
    const api = createApi(first.url, first.key);
    const { id } = (await api<{ id: string }>('POST', '/v1/inferences', submit)).body;
    const done = (await api('GET', `/v1/inferences/${id}?wait=30s`)).body;
    await api('PUT', '/v1/models/kept', {
      body: { runtime: 'tensorflow', source: 'language-id', description: 'kept' },
    });
    expect(await first.stop()).to.equal(0);
    const head = logHead(folder.path);
    const second = await start();
    expect(logHead(folder.path)).to.equal(head);
    expect(second.key).to.equal(first.key);
    expect(second.printed()).not.to.include('first API key');
    const again = createApi(second.url, first.key);
    expect((await again('GET', `/v1/inferences/${id}`)).body).to.deep.equal(done);
    expect((await again('GET', '/v1/models/kept')).body).to.include({ description: 'kept' });
    const list = await again<{ data: { id: string }[] }>('GET', '/v1/inferences?q=merhaba');
    expect(list.body.data.map((one) => one.id)).to.deep.equal([id]);
    expect(await second.stop()).to.equal(0);
  });

  it('with API_KEY takes that key, and writes none to a file', async () => {
    const defter = await start({ API_KEY: KEY });
    expect((await createApi(defter.url, KEY)('GET', '/v1/tenants')).status).to.equal(200);
    expect(existsSync(join(folder.path, 'first-key'))).to.equal(false);
    expect(defter.printed()).not.to.include(KEY);
    expect(await defter.stop()).to.equal(0);
    const head = logHead(folder.path);
    const second = await start({ API_KEY: KEY });
    expect(await second.stop()).to.equal(0);
    expect(logHead(folder.path)).to.equal(head);
  });

  it('on a terminal ends with three commands that work when pasted', async function () {
    if (spawnSync('script', ['--version']).status !== 0) {
      console.log('      skipped: there is no `script` (util-linux) to make a terminal with');
      return this.skip();
    }
    const env = { PATH: process.env['PATH'], DATA_DIR: folder.path, PORT: '0', DISCOVER: 'off', TERM: 'dumb' };
    const child = spawn('script', ['-qefc', `exec ${process.execPath} ${MAIN}`, '/dev/null'], {
      cwd: folder.path,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    const closed = once(child, 'close');
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text.replaceAll('\r', '')));
    try {
      await eventually(() => expect(printed).to.include('export OPENAI_BASE_URL='), 40_000);
      const url = /Defter is ready at (\S+)/.exec(printed)?.[1] ?? '';
      const banner = printed.slice(printed.indexOf('Defter is ready'));
      expect(existsSync(join(folder.path, 'first-key'))).to.equal(false);
      const key = /OPENAI_API_KEY=(dft_\S+)/.exec(banner)?.[1] ?? '';
      expect(banner).to.include(`OPENAI_BASE_URL=${url}/v1`);
      const commands = banner
        .split(/^# /m)
        .slice(1, 4)
        .map((part) => part.slice(part.indexOf('\n') + 1).trim());
      expect(commands).to.have.length(3);
      for (const command of commands)
        expect(command)
          .to.match(/^curl /)
          .and.to.include(key);
      const answers: Record<string, unknown>[] = [];
      for (const command of commands) {
        const { stdout } = await run('sh', ['-c', command]);
        answers.push(JSON.parse(stdout) as Record<string, unknown>);
      }
      expect(answers[0]).to.include({ status: 'completed' }).and.to.have.nested.property('output.label', 'tr');
      expect(answers[1]).to.include({ status: 'completed' });
      expect((answers[2] as { data: { id: string }[] }).data).to.be.an('array');
      await eventually(async () => {
        const { stdout } = await run('sh', ['-c', commands[2] ?? '']);
        const { data } = JSON.parse(stdout) as { data: { status: string; output: object }[] };
        expect(data.map(({ status }) => status)).to.deep.equal(['completed', 'completed']);
        expect(data[1]?.output).to.have.property('label', 'tr');
      }, 20_000);
      const logs = join(folder.path, 'logs');
      for (const name of await readdir(logs))
        expect(await readFile(join(logs, name), 'utf8')).not.to.include(secretOf(key));
      // Ctrl-C, as the terminal sends it.
      child.stdin.write('\u0003');
      const [code] = (await closed) as [number];
      expect(code).to.equal(0);
    } finally {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
        process.kill(-child.pid, 'SIGKILL');
    }
  });

  it('serves a key that the command line makes beside it, at once', async () => {
    const defter = await start();
    const made = await verb(folder.path, 'key', 'new', '--name', 'second', '--scopes', 'models:read,keys:read');
    const key = made.stdout.trim();
    expect(made.stderr.trim()).to.equal(
      `The key ${identifyApiKey(key).id} in ${folder.path}, of tenant default, may: models:read, keys:read.`,
    );
    const api = createApi(defter.url, key);
    expect((await api('GET', '/v1/models')).status).to.equal(200);
    expect((await api('GET', '/v1/inferences')).status).to.equal(403);
    await eventually(async () => {
      const { data } = (await api<{ data: { name: string }[] }>('GET', '/v1/api-keys')).body;
      expect(data.map(({ name }) => name)).to.include('second');
    });
    const all = createApi(defter.url, (await verb(folder.path, 'key', 'new')).stdout.trim());
    const { id } = (await all<{ id: string }>('POST', '/v1/tenants', { body: { name: 'Other' } })).body;
    const other = await verb(folder.path, 'key', 'new', '--tenant', id);
    const theirs = createApi(defter.url, other.stdout.trim());
    expect((await theirs('GET', '/v1/me')).body)
      .to.have.property('permissions')
      .that.includes('keys:write')
      .and.not.includes('platform');
    expect((await theirs('GET', `/v1/api-keys/${identifyApiKey(key).id}`)).status).to.equal(404);
    for (const args of [['new', '--scopes', 'all'], ['new', '--tenant', 'absent'], ['old'], [], ['new', '--nope']]) {
      const error = await verb(folder.path, 'key', ...args).catch((error: { code: number; stderr: string }) => error);
      expect(error).to.have.property('code', 1);
      expect(error.stderr)
        .to.not.equal('')
        .and.not.match(/^ {4}at /m);
    }
    expect(await defter.stop()).to.equal(0);
    const offline = (await verb(folder.path, 'key', 'new')).stdout.trim();
    const again = await start();
    for (const one of [key, offline])
      expect((await createApi(again.url, one)('GET', '/v1/models')).status).to.equal(200);
    expect(await again.stop()).to.equal(0);
  });

  it('is looked for by the command line where it was told to, which makes nothing there', async () => {
    const elsewhere = join(folder.path, 'elsewhere');
    const error = await verb(elsewhere, 'key', 'new').catch((error: { code: number; stderr: string }) => error);
    expect(error).to.have.property('code', 1);
    expect(error.stderr).to.equal(
      `There is no event log in ${elsewhere}: set DATA_DIR to the folder of the Defter that is meant; npm start makes a new one.\n`,
    );
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  it('warns of an API_KEY that was revoked, and of a setting that is misspelt', async () => {
    const first = await start({ API_KEY: KEY });
    expect(first.printed()).not.to.include('not let in').and.not.to.include('did you mean');
    const revoked = await createApi(first.url, KEY)('DELETE', `/v1/api-keys/${identifyApiKey(KEY).id}`);
    expect(revoked.status).to.equal(204);
    expect(await first.stop()).to.equal(0);
    await writeFile(join(folder.path, '.env'), 'LOG_FILE=5\n');
    const second = await start({ API_KEY: KEY, PARTITION: '4' });
    expect(second.printed())
      .to.include('The key in API_KEY is not let in: it was revoked')
      .and.include('There is no setting PARTITION; did you mean PARTITIONS?')
      .and.include('There is no setting LOG_FILE; did you mean LOG_FILES?')
      .and.not.to.include(KEY);
    expect(await second.stop()).to.equal(0);
  });

  it('shows its pages and documents', async () => {
    const defter = await start();
    const { url } = defter;
    const page = await fetch(url);
    expect(page.status).to.equal(200);
    expect(page.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    const text = await page.text();
    expect(text)
      .to.include(`${url}/v1/inferences`)
      .and.include('href="/docs"')
      .and.include(`OPENAI_BASE_URL=${url}/v1`);
    const docs = await (await fetch(`${url}/docs`)).text();
    for (const [, path] of docs.matchAll(/(?:src|href)="([^"]+)"/g))
      expect((await fetch(new URL(path ?? '', url))).status, path).to.equal(200);
    const openapi = (await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string; paths: object };
    expect(openapi.openapi).to.match(/^3\.1/);
    expect(openapi.paths).to.include.keys('/v1/inferences', '/v1/models/{name}', '/v1/audit');
    for (const path of ['/healthz', '/readyz', '/metrics'])
      await eventually(async () => expect((await fetch(`${url}${path}`)).status, path).to.equal(200));
    expect(await defter.stop()).to.equal(0);
  });

  it('that is told to stop under load ends with 0 within 10 s and keeps what it accepted', async () => {
    const defter = await start();
    const api = createApi(defter.url, defter.key);
    const accepted: string[] = [];
    const stopped = new AbortController();
    const client = async (n: number) => {
      for (let round = 0; !stopped.signal.aborted; round++) {
        const answer = await api<{ id: string }>('POST', '/v1/inferences', {
          body: { model: round % 4 === 0 ? 'tiny-writer' : 'language-id', input: `client ${n} round ${round}` },
        }).catch(() => undefined);
        if (answer?.status === 202) accepted.push(answer.body.id);
      }
    };
    const clients = Array.from({ length: 16 }, (_, n) => client(n));
    await eventually(() => expect(accepted.length).to.be.greaterThan(300), 20_000);
    const since = performance.now();
    const code = await defter.stop();
    const took = performance.now() - since;
    stopped.abort();
    await Promise.all(clients);
    expect(code, defter.printed()).to.equal(0);
    expect(took).to.be.lessThan(10_000);
    const again = await start();
    const after = createApi(again.url, defter.key);
    for (const id of accepted) {
      const { body } = await after('GET', `/v1/inferences/${id}?wait=30s`);
      expect(body, id).to.include({ status: 'completed' });
    }
    expect(await again.stop()).to.equal(0);
  });

  it('that cannot take its port says so in a sentence', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await fault({ PORT: String(port) }, new RegExp(`port ${port}`, 'i'));
    } finally {
      server.close();
    }
    await fault({ HOST: 'no.such.host.invalid' }, /HOST|no\.such\.host/);
  });

  it('in a folder that another holds names its process', async () => {
    const defter = await start();
    await fault({}, new RegExp(`in use by another Defter \\(pid ${defter.pid}\\)`));
    await eventually(async () => expect((await fetch(`${defter.url}/readyz`)).status).to.equal(200));
    expect(await defter.stop()).to.equal(0);
  });

  it('in a folder that cannot be written says so', async () => {
    await writeFile(join(folder.path, 'file'), '');
    await fault({ DATA_DIR: join(folder.path, 'file') }, /DATA_DIR .* cannot be made \(it is not a folder\)/);
    await fault(
      { DATA_DIR: join(folder.path, 'file', 'x') },
      /DATA_DIR .* cannot be made \(part of the path is not a folder\)/,
    );
    if (process.platform === 'linux')
      await fault({ DATA_DIR: '/proc/self/data' }, /DATA_DIR \/proc\/self\/data cannot be/);
    if (process.getuid?.() === 0)
      return console.log('      not tried as root: a folder without the permission to write');
    await mkdir(join(folder.path, 'sealed'), { mode: 0o500 });
    await fault({ DATA_DIR: join(folder.path, 'sealed') }, /DATA_DIR .* cannot be written \(permission denied\)/);
  });

  it('on data of a newer version, or not of its making, is refused', async () => {
    const defter = await start();
    expect(await defter.stop()).to.equal(0);
    const format = join(folder.path, 'format');
    await writeFile(format, '99\n');
    await fault({}, /written by a newer Defter/);
    await writeFile(format, 'hello\n');
    await fault({}, /not Defter's/);
    await writeFile(format, '1\n');
    const log = new DatabaseSync(join(folder.path, 'events.sqlite'));
    log.exec("UPDATE meta SET value = '99' WHERE name = 'format'");
    log.close();
    await fault({}, /event log was written by a newer Defter/);
  });

  it('without the keys that its data needs is refused, and works again once they are back', async () => {
    const defter = await start();
    const api = createApi(defter.url, defter.key);
    const { id } = (await api<{ id: string }>('POST', '/v1/inferences', submit)).body;
    await api('GET', `/v1/inferences/${id}?wait=30s`);
    expect(await defter.stop()).to.equal(0);
    const [vault, masterKey, aside] = ['vault.sqlite', 'master-key', 'aside'].map((name) =>
      join(folder.path, name),
    ) as [string, string, string];
    await fault({ MASTER_KEY: 'ab'.repeat(32) }, /MASTER_KEY.* is not the one/);
    for (const file of [vault, masterKey]) {
      await rename(file, aside);
      const name = file === vault ? /vault\.sqlite.* is missing/ : /master-key is missing/;
      await fault({}, name);
      await fault({}, name);
      await rm(file, { force: true });
      await rename(aside, file);
    }
    await writeFile(join(folder.path, 'spare'), await readFile(masterKey));
    await writeFile(masterKey, 'half a k');
    await fault({}, /does not hold a master key/);
    await writeFile(masterKey, await readFile(join(folder.path, 'spare')));
    const again = await start();
    const read = await createApi(again.url, defter.key)('GET', `/v1/inferences/${id}`);
    expect(read.body).to.include({ status: 'completed', input: submit.body.input });
    expect(await again.stop()).to.equal(0);
  });

  it('with other PARTITIONS than the first is refused', async () => {
    const defter = await start({ PARTITIONS: '6' });
    expect(await defter.stop()).to.equal(0);
    await fault({}, /^PARTITIONS is 12, but DATA_DIR .* was made with PARTITIONS=6: set it back/);
    const again = await start({ PARTITIONS: '6' });
    expect(await again.stop()).to.equal(0);
  });

  it('keeps the password in EVENTSTORE_URL to itself, whatever is wrong with the rest of it or becomes of the server', async () => {
    const standIn = await startBreakableStandIn();
    try {
      const secret = 'correct-horse-battery';
      const url = standIn.url.replace('esdb://', `esdb://someone:${secret}@`);
      for (const [option, sentence] of [
        ['nodePreferense=leader', 'nodePreferense, which there is not .did you mean nodePreference'],
        ['tlsVerifyCert=false', 'tlsVerifyCert, which has no effect: '],
      ])
        await fault(
          { EVENTSTORE_URL: `${url}&${option}` },
          new RegExp(`^EVENTSTORE_URL names the option ${sentence}(?!.*${secret})`),
        );
      const defter = await start({ EVENTSTORE_URL: url, LOG_LEVEL: 'debug', LOG_DIR: './logs' });
      const readiness = async () => (await fetch(`${defter.url}/readyz`)).status;
      await standIn.kill9();
      await eventually(async () => expect(await readiness()).to.equal(503), 20_000);
      await standIn.restart();
      await eventually(async () => expect(await readiness()).to.equal(200), 20_000);
      expect(await defter.stop()).to.equal(0);
      expect(defter.printed()).not.to.include(secret);
      for (const name of await readdir(join(folder.path, 'logs')))
        expect(await readFile(join(folder.path, 'logs', name), 'utf8'), name).not.to.include(secret);
    } finally {
      await standIn.stop();
    }
  });

  it('with a wrong configuration tells every fault at once, and no secret', async () => {
    const secret = 'short-secret';
    await fault(
      { PORT: 'http', API_KEY: secret, LOG_LEVEL: 'loud', PARTITIONS: '0', MASTER_KEY: secret, OLLAMA_URL: 'nowhere' },
      ...['PORT', 'API_KEY', 'MASTER_KEY', 'LOG_LEVEL', 'OLLAMA_URL', 'PARTITIONS'].map(
        (name) => new RegExp(`^${name} must be (?!.*${secret})`),
      ),
    );
    expect(await readdir(folder.path)).to.deep.equal([]);
  });
});
