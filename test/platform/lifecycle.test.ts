import { expect } from 'chai';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';

const program = fileURLToPath(new URL('./lifecycle-program.ts', import.meta.url));

interface Run {
  readonly child: ChildProcessWithoutNullStreams;
  readonly text: { stdout: string; stderr: string };
  /** Exit code, or the signal's name. */
  readonly end: Promise<number | string>;
  readonly said: (line: string) => Promise<void>;
}

describe('lifecycle', () => {
  const runs: Run[] = [];
  afterEach(async () => {
    for (const { child, end } of runs.splice(0)) {
      child.kill('SIGKILL');
      await end;
    }
  });

  function run(...args: string[]): Run {
    const child = spawn(process.execPath, [program, ...args], { stdio: 'pipe' });
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
    const end = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
    const said = (line: string) => eventually(() => expect(text.stdout.split('\n')).to.include(line), 10_000);
    const started = { child, text, end, said };
    runs.push(started);
    return started;
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`closes its parts in reverse and exits 0 on ${signal}`, async () => {
      const { child, text, end, said } = run('ordinary');
      await said('ready');
      child.kill(signal);
      expect(await end).to.equal(0);
      expect(text).to.deep.equal({ stdout: 'ready\nclosed second\nclosed first\n', stderr: '' });
    });
  }

  it('takes the echo of Ctrl-C that npm adds for the same signal', async () => {
    const { child, text, end, said } = run('ordinary');
    await said('ready');
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await end).to.equal(0);
    expect(text.stdout).to.include('closed first');
  });

  it('stops cleanly when told while starting', async () => {
    const { child, text, end, said } = run('slowStart');
    await said('ready');
    child.kill('SIGTERM');
    expect(await end).to.equal(0);
    expect(text).to.deep.equal({ stdout: 'ready\nclosed second\nclosed first\n', stderr: '' });
  });

  it('exits 1 when stopping takes longer than the grace', async () => {
    const { child, text, end, said } = run('stuck', '100');
    await said('ready');
    child.kill('SIGTERM');
    expect(await end).to.equal(1);
    expect(text.stderr).to.include('longer than 100 ms');
  });

  it('exits 1 at once when told a second time', async () => {
    const { child, text, end, said } = run('stuck', '600000');
    await said('ready');
    const again = setInterval(() => child.kill('SIGTERM'), 100);
    expect(await end).to.equal(1);
    clearInterval(again);
    expect(text.stderr).to.include('twice');
  });

  it('closes the other parts when one cannot be closed, and exits 1', async () => {
    const { child, text, end, said } = run('failingClose');
    await said('ready');
    child.kill('SIGTERM');
    expect(await end).to.equal(1);
    expect(text.stdout).to.include('closed first');
    expect(text.stderr).to.include('cannot close');
  });

  it('tells expected faults in a sentence each, without a stack, and exits 1', async () => {
    const { text, end } = run('refused');
    expect(await end).to.equal(1);
    expect(text).to.deep.equal({ stdout: 'closed first\n', stderr: 'PORT must be 1.\nHOST must be 2.\n' });
  });

  it('tells an unexpected fault of the start with its stack, closes what is open, and exits 1', async () => {
    const { text, end } = run('broken');
    expect(await end).to.equal(1);
    expect(text.stderr).to.match(/TypeError: a bug\n\s+at /);
    expect(text.stdout).to.equal('closed first\n');
  });

  it('logs an uncaught exception with stack and cause, in the file too, and exits 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'defter-lifecycle-'));
    try {
      const { text, end } = run('uncaught', folder);
      expect(await end).to.equal(1);
      for (const log of [text.stdout, readFileSync(join(folder, 'application.log'), 'utf8')]) {
        const line = JSON.parse(log.trim()) as { level: number; err: { stack: string; cause: { message: string } } };
        expect(line.level).to.equal(60);
        expect(line.err.stack).to.match(/TypeError: out of nowhere\n\s+at /);
        expect(line.err.cause.message).to.equal('the cause');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('exits 1 on an unhandled rejection', async () => {
    const { text, end } = run('rejected');
    expect(await end).to.equal(1);
    expect(text.stderr).to.include('forgotten promise');
  });

  it('closes everything and exits 1 when a part fails', async () => {
    const { text, end } = run('partFails');
    expect(await end).to.equal(1);
    expect(text.stdout).to.equal('closed second\nclosed first\n');
    expect(text.stderr).to.include('gone');
  });
});
