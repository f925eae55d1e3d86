import { expect } from 'chai';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';

const script = fileURLToPath(new URL('../../cli/setup.mjs', import.meta.url));
const fakeNpm = fileURLToPath(new URL('./fake-npm-cli.js', import.meta.url));

// The real npm needs a network; it runs in CI and on each fresh clone. Here a stand-in does to node_modules what npm does.
describe('set-up', () => {
  let root: string;
  let locks: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'defter-setup-'));
    locks = mkdtempSync(join(tmpdir(), 'defter-locks-'));
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {} } }));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
    rmSync(locks, { recursive: true });
  });

  function start(how = 'works', env: Record<string, string> = {}, node = process.execPath) {
    const given = { npm_execpath: join(root, 'npm-cli.js'), FAKE_NPM: how, TMPDIR: locks, PATH: process.env['PATH'] };
    writeFileSync(given.npm_execpath, `import(${JSON.stringify(fakeNpm)});`);
    const child = spawn(node, [script, root], { env: { ...given, ...env } });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const end = once(child, 'close').then(([code]) => ({ code: code as number | null, text }));
    return { child, end };
  }
  const run = (how?: string, env?: Record<string, string>) => start(how, env).end;

  const calls = () => {
    const path = join(root, 'npm-calls.log');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  };

  it('installs by the lock file without install scripts but that of node, and says so', async () => {
    const { code, text } = await run('works', { npm_config_ignore_scripts: 'true', NODE_ENV: 'production' });
    expect(text).to.match(
      /^Installing dependencies by the lock file \(no install scripts\) …\nInstalled in \d+ s; Node is v24\.99\.0\.\n$/,
    );
    expect(code).to.equal(0);
    expect(calls()).to.have.length(2);
    expect(calls()[0]).to.match(/^ci --ignore-scripts --include=dev /);
    expect(calls()[1]).to.match(/^rebuild node --ignore-scripts=false /);
    expect(readdirSync(locks)).to.deep.equal([]);
  });

  it('is silent when all is there, whatever the files’ times', async () => {
    await run();
    utimesSync(join(root, 'package-lock.json'), new Date(), new Date(Date.now() + 3_600_000));
    expect(await run()).to.deep.equal({ code: 0, text: '' });
    expect(calls()).to.have.length(2);
  });

  it('installs again when the lock file is another, or the tree is not whole', async () => {
    await run();
    writeFileSync(
      join(root, 'package-lock.json'),
      JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } }),
    );
    expect((await run()).text).to.include('Installing');
    rmSync(join(root, 'node_modules', '.bin', 'node'));
    expect((await run()).text).to.include('Installing');
    expect(calls()).to.have.length(6);
  });

  it('outlives the Node that runs it where that one is in the tree', async function () {
    this.timeout(20_000);
    await run();
    rmSync(join(root, 'node_modules', '.package-lock.json'));
    const own = join(root, 'node_modules', 'node', 'bin');
    mkdirSync(own, { recursive: true });
    copyFileSync(process.execPath, join(own, 'node'));
    const path = [own, dirname(process.execPath)].join(delimiter);
    const { code, text } = await start('works', { PATH: path }, join(own, 'node')).end;
    expect(text).to.include('Installed in').and.not.include('failed');
    expect(code).to.equal(0);
    expect(existsSync(own)).to.equal(false);
    expect(calls()).to.have.length(4);
  });

  it('starts over after it was interrupted', async () => {
    await run();
    rmSync(join(root, 'node_modules', '.package-lock.json'));
    const { child, end } = start('hangs');
    await eventually(() => expect(existsSync(join(root, 'node_modules'))).to.equal(false));
    child.kill('SIGTERM');
    expect((await end).code).to.equal(1);
    expect(readdirSync(locks)).to.deep.equal([]);
    expect((await run()).code).to.equal(0);
  });

  it('says what failed, and exits 1', async () => {
    const failed = await run('fails');
    expect(failed.code).to.equal(1);
    expect(failed.text).to.match(/\nSet-up failed: "npm ci [^"]*" ended with 7; its own words are above\.\n$/);
    const wrong = await run('v20.0.0');
    expect(wrong.code).to.equal(1);
    expect(wrong.text).to.include('Set-up failed: node_modules/.bin/node is v20.0.0, not v24.x: its download failed.');
    expect((await run()).code).to.equal(0);
  });

  it('lets a second one wait for the first, and install nothing again', async () => {
    const both = await Promise.all([run(), run()]);
    expect(both.map(({ code }) => code)).to.deep.equal([0, 0]);
    expect(calls()).to.have.length(2);
    expect(both.filter(({ text }) => text.includes('Installed in'))).to.have.length(1);
  });

  it('takes over from one that was killed', async () => {
    const { child, end } = start('hangs');
    await eventually(() => expect(calls()).to.have.length(1));
    child.kill('SIGKILL');
    await end;
    const [lock] = readdirSync(locks);
    utimesSync(join(locks, lock ?? ''), 1, 1);
    expect((await run()).code).to.equal(0);
    expect(readdirSync(locks)).to.deep.equal([]);
  });

  it('accepts a whole tree that npm installed without it, and no other', async () => {
    const entry = (version: string) => ({ version, integrity: 'sha512-x' });
    const lock = { '': {}, 'node_modules/a': entry('1.0.0'), 'node_modules/b': { ...entry('1.0.0'), optional: true } };
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: lock }));
    const installed = (version: string) => {
      mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
      mkdirSync(join(root, 'node_modules', 'a'));
      const packages = { 'node_modules/a': entry(version) };
      writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
      writeFileSync(join(root, 'node_modules', '.bin', 'node'), '#!/bin/sh\necho v24.0.0\n', { mode: 0o755 });
    };
    installed('1.0.0');
    expect(await run()).to.deep.equal({ code: 0, text: '' });
    rmSync(join(root, 'node_modules'), { recursive: true });
    installed('1.0.1');
    expect((await run()).text).to.include('Installing');
    installed('1.0.0');
    rmSync(join(root, 'node_modules', 'a'), { recursive: true });
    rmSync(join(root, 'node_modules', '.defter-setup'));
    expect((await run()).text).to.include('Installing');
  });

  it('leaves the mark of a tree alone from which this one was copied by hard links', async () => {
    await run();
    const [marker, others] = [join(root, 'node_modules', '.defter-setup'), join(root, 'other-mark')];
    writeFileSync(marker, 'of another lock file');
    linkSync(marker, others);
    await run();
    expect(readFileSync(others, 'utf8')).to.equal('of another lock file');
    expect(readFileSync(marker, 'utf8')).not.to.equal('of another lock file');
  });

  it('can be read by Node 20', () => {
    // What is newer than Node 20 would be a syntax error there, or a call of something missing; both are listed here.
    const text = readFileSync(script, 'utf8');
    expect(text).not.to.match(
      /\busing\b|Promise\.(?:withResolvers|try)|import\.meta\.(?:dirname|filename|main)|RegExp\.escape/,
    );
    expect(spawnSync(process.execPath, ['--check', script]).status).to.equal(0);
  });
});
