import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { residentBytesOf } from '#platform/lifecycle/resident-memory.ts';
import { type Child, type ChildOptions, startChild } from '#platform/lifecycle/start-child.ts';
import { type Supervised, supervise } from '#platform/lifecycle/supervise.ts';
import { childOf, isAlive, pidsIn, WITH_GRANDCHILD } from '../support/child-of.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const READY = `fs.writeFileSync(file, '');`;
const STAYS = `setInterval(() => undefined, 1000);`;
const program = fileURLToPath(new URL('../support/child-of.ts', import.meta.url));

describe('a child process', function () {
  this.timeout(30_000);
  let folder: string;
  let file: string;
  const children: (Child | Supervised<Child>)[] = [];

  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'defter-child-'));
    file = join(folder, 'ready');
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop(0)));
    await rm(folder, { recursive: true });
  });

  async function start(script: string, options: Partial<ChildOptions> = {}, signal?: AbortSignal): Promise<Child> {
    const child = await startChild(childOf(script, file, options), signal);
    children.push(child);
    return child;
  }

  const refused = (script: string, options: Partial<ChildOptions> = {}, signal?: AbortSignal): Promise<string> =>
    start(script, options, signal).then(
      () => 'it started',
      (error: unknown) => String(error),
    );

  it('is ready when it answers, sees the environment that it is given and no other, and is told to stop', async () => {
    const script = `
      fs.writeFileSync(file + '.new', Object.keys(process.env).filter((name) => !/^(PWD|OLDPWD|SHLVL|_|__CF.*)$/.test(name)).join());
      fs.renameSync(file + '.new', file);
      process.on('SIGTERM', () => { fs.appendFileSync(file, ' stopped'); process.exit(); }); ${STAYS}`;
    const child = await start(script, { env: { WANTED: '1' } });
    expect(readFileSync(file, 'utf8')).to.equal('WANTED');
    await child.stop(10_000);
    expect(readFileSync(file, 'utf8')).to.equal('WANTED stopped');
    expect(isAlive(child.pid)).to.equal(false);
  });

  it('is killed, with what it started, when it does not stop in its grace', async () => {
    const child = await start(`process.on('SIGTERM', () => undefined); ${WITH_GRANDCHILD}`);
    const pids = pidsIn(file);
    expect(pids[0]).to.equal(child.pid);
    await child.stop(100);
    await eventually(() => expect(pids.filter(isAlive)).to.deep.equal([]));
  });

  it('takes with it what it started when it ends by itself, and says its last words', async () => {
    const child = await start(
      `${WITH_GRANDCHILD} process.on('SIGTERM', () => { console.error('no disk'); process.exit(3); });`,
    );
    const pids = pidsIn(file);
    process.kill(child.pid, 'SIGTERM');
    expect((await child.failed).message).to.equal('a child ended with code 3:\nno disk');
    await eventually(() => expect(pids.filter(isAlive)).to.deep.equal([]));
  });

  it('that cannot start says why: it ended, it is not there, it does not answer, it is no longer wanted', async () => {
    expect(await refused(`console.log('bad port'); process.exit(2)`)).to.equal(
      'Error: a child ended with code 2:\nbad port',
    );
    expect(await refused('', { command: join(folder, 'none') })).to.include('a child ended with code 127');
    expect(await refused(STAYS, { readyWithinMs: 300 })).to.equal('Error: a child did not answer within 300 ms');
    expect(await refused(STAYS, { cwd: join(folder, 'none') })).to.include('ENOENT');
    const stop = new AbortController();
    const starting = refused(STAYS, {}, stop.signal);
    stop.abort(new Error('stopping'));
    expect(await starting).to.include('Interrupted');
  });

  it('ends with its parent when that is killed, and so does what it started', async () => {
    const parent = spawn(process.execPath, [program, file], { stdio: 'ignore' });
    await eventually(() => expect(existsSync(file)).to.equal(true), 20_000);
    const pids = pidsIn(file);
    expect(pids.map(isAlive)).to.deep.equal([true, true]);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await eventually(() => expect(pids.filter(isAlive)).to.deep.equal([]), 10_000);
  });

  it('is ended with more memory than its limit, counting what it started, and started anew', async () => {
    const hungry = `
      if (!fs.existsSync(file + '.once')) {
        fs.writeFileSync(file + '.once', '');
        spawn(process.execPath, ['-e', 'globalThis.held = Buffer.alloc(300e6, 1); setInterval(() => undefined, 1000)']);
      }
      ${READY} ${STAYS}`;
    const faults: string[] = [];
    const log = {
      ...createQuietLog(),
      error: (fields: object) => void faults.push(String((fields as { err: Error }).err)),
    };
    const options = childOf(hungry, file, { memoryLimitBytes: 250e6, lookAtMemoryEveryMs: 50 });
    const supervised = await supervise((signal) => startChild(options, signal), {
      name: 'a child',
      log,
      firstWaitMs: 1,
    });
    children.push(supervised);
    const first = supervised.running()?.pid;
    await eventually(() => {
      expect(supervised.running()?.pid).to.be.a('number').and.not.equal(first);
    }, 20_000);
    expect(faults).to.have.length(1);
    expect(faults[0]).to.match(/^Error: a child held \d{9} bytes of memory, more than its 250000000$/);
  });

  it('that ends again and again is started anew ever later, and at last no more', async () => {
    const ends: number[] = [];
    const log = { ...createQuietLog(), error: () => void ends.push(performance.now()) };
    const start = (signal: AbortSignal) => {
      rmSync(file, { force: true });
      return startChild(childOf(`${READY} setTimeout(() => process.exit(1), 20)`, file), signal);
    };
    const supervised = await supervise(start, { name: 'a child', log, firstWaitMs: 200, mostFailures: 3 });
    children.push(supervised);
    expect((await supervised.failed).message).to.equal('a child ended with code 1');
    expect(supervised.running()).to.equal(undefined);
    const [first = 0, second = 0, third = 0, last = 0] = ends;
    expect(ends).to.have.length(4);
    expect([second - first >= 200, third - second >= 400, last - third >= 800]).to.deep.equal([true, true, true]);
  });

  it('has its memory told by the system', async () => {
    const child = await start(`${READY} ${STAYS}`);
    expect(await residentBytesOf(child.pid))
      .to.be.greaterThan(5e6)
      .and.lessThan(500e6);
    await child.stop(0);
    expect(await residentBytesOf(child.pid)).to.equal(0);
  });
});
