import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { StartError } from '#platform/errors.ts';
import type { AccessRecord } from '#platform/logging/access-log.ts';
import { createLineQueue, type LineOutput } from '#platform/logging/line-queue.ts';
import { openLogging, type Logging, type LoggingOptions } from '#platform/logging/open-logging.ts';
import { plainFields } from '#platform/logging/plain-fields.ts';
import { openRotatingFile } from '#platform/logging/rotating-file.ts';
import type { Stdout } from '#platform/logging/stdout-output.ts';
import { eventually } from '../support/eventually.ts';

type Line = Record<string, unknown> & { msg: string };

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');
const parsed = (text: string) => linesOf(text).map((line) => JSON.parse(line) as Line);
const rotation = { maxBytes: 1e6, files: 3, maxAgeMs: 1e9 };
const request: AccessRecord = { method: 'GET', path: '/x', status: 200, durationMs: 1, correlationId: 'c' };

function memoryStdout(isTerminal: boolean): Stdout & { text: () => string } {
  let text = '';
  const write = (chunk: string) => void (text += chunk);
  return {
    isTerminal,
    text: () => text,
    write: (chunk, done) => {
      write(chunk);
      setImmediate(done);
    },
    writeSync: write,
  };
}

describe('logging', () => {
  let folder: string;
  let opened: Logging[] = [];
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'defter-logs-'))));
  afterEach(async () => {
    await Promise.all(opened.map((logging) => logging.close()));
    opened = [];
    rmSync(folder, { recursive: true });
  });

  const file = (name: string) => readFileSync(join(folder, name), 'utf8');

  async function open(options: Partial<LoggingOptions> = {}) {
    const stdout = memoryStdout(false);
    const logging = await openLogging({ service: 'defter', level: 'info', dir: folder, rotation, stdout, ...options });
    opened.push(logging);
    return { logging, stdout };
  }

  it('writes each log to its file, and both to standard output, as JSON lines in bunyan’s format', async () => {
    const { logging, stdout } = await open();
    logging.log.info({ correlationId: 'c-1', position: 7n, name: 'mine' }, 'Something %s happened.');
    logging.log.debug({}, 'Not at this level.');
    logging.access.write({ ...request, method: 'POST', path: '/v1/inferences', status: 202, durationMs: 1.5 });
    await logging.close();
    const [line] = parsed(file('application.log'));
    expect(line).to.include({ name: 'defter', level: 30, v: 0, pid: process.pid, msg: 'Something %s happened.' });
    expect(line).to.include({ correlationId: 'c-1', position: '7', _name: 'mine' });
    const [access] = parsed(file('access.log'));
    expect(access).to.include({ kind: 'access', status: 202, durationMs: 1.5, msg: 'POST /v1/inferences 202', v: 0 });
    expect(parsed(stdout.text())).to.have.deep.members([line, access]);
    expect(statSync(join(folder, 'application.log')).mode & 0o077).to.equal(0);
  });

  it('writes for a person on a terminal, and leaves access lines to the file', async () => {
    const stdout = memoryStdout(true);
    const { logging } = await open({ stdout });
    logging.log.warn({ model: 'a/b', err: new Error('it \u001B[2J broke') }, 'A model is slow.');
    logging.access.write(request);
    await logging.close();
    expect(stdout.text()).to.match(
      /^\d\d:\d\d:\d\d \S*WARN \S* A model is slow\. model=a\/b err="it .*"\n\s+Error: it/,
    );
    expect(stdout.text()).not.to.include('\u001B[2J');
    expect(stdout.text()).not.to.include('GET /x');
    expect(parsed(file('access.log'))).to.have.length(1);
  });

  it('writes without files where they are off', async () => {
    const { logging, stdout } = await open({ dir: null });
    logging.log.info({}, 'Hello.');
    await logging.close();
    expect(parsed(stdout.text())).to.have.length(1);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('refuses a folder that cannot be one', async () => {
    writeFileSync(join(folder, 'file'), '');
    const error = await open({ dir: join(folder, 'file') }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).to.be.instanceOf(StartError);
    expect((error as Error).message).to.match(/^LOG_DIR \S+ cannot be written \(\w+\)\.$/);
  });

  it('rotates by size, keeps so many files and loses no line', async () => {
    const { logging } = await open({ rotation: { maxBytes: 20_000, files: 50, maxAgeMs: 1e9 } });
    const count = 3_000;
    for (let i = 0; i < count; i += 1) {
      logging.access.write({ ...request, correlationId: String(i) });
      if (i % 50 === 0) await new Promise(setImmediate);
    }
    await logging.close();
    const names = readdirSync(folder).filter((name) => name.startsWith('access.log'));
    expect(names.length).to.be.greaterThan(1);
    const ids = names.flatMap((name) => parsed(file(name)).map(({ correlationId }) => Number(correlationId)));
    expect(ids.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: count }, (_, i) => i));
  });

  it('keeps no more rotated files than it may, and none past their age', async () => {
    writeFileSync(join(folder, 'a.log.2'), 'old');
    writeFileSync(join(folder, 'a.log.note'), 'not ours');
    utimesSync(join(folder, 'a.log.2'), 1, 1);
    const output = await openRotatingFile(folder, 'a', { maxBytes: 1_000, files: 2, maxAgeMs: 3_600_000 });
    expect(readdirSync(folder)).not.to.include('a.log.2');
    for (let i = 0; i < 10; i += 1) await new Promise<unknown>((done) => output.write(`${i}`.repeat(1_001), done));
    await output.close();
    expect(readdirSync(folder).toSorted()).to.deep.equal(['a.log', 'a.log.1', 'a.log.2', 'a.log.note']);
    expect(file('a.log.1')).to.equal('9'.repeat(1_001));
    expect(file('a.log.2')).to.equal('8'.repeat(1_001));
  });

  it('takes the lines of a thread', async () => {
    const { logging } = await open();
    const { port1, port2 } = new MessageChannel();
    logging.attach(port1, 'events');
    const script = new URL('./logging-thread.ts', import.meta.url);
    const worker = new Worker(script, { workerData: { port: port2 }, transferList: [port2] });
    await once(worker, 'exit');
    await logging.close();
    const [info, error, ...rest] = parsed(file('application.log'));
    expect(rest).to.deep.equal([]);
    expect(info).to.include({ thread: 'events', apiKey: '***', position: '12', correlationId: 'c-1', level: 30 });
    expect(error?.['err']).to.have.nested.include({ message: 'in a thread', 'cause.message': 'deeper' });
  });

  it('writes a fatal line, and what waits, before it returns', async () => {
    const { logging, stdout } = await open();
    logging.access.write(request);
    logging.fatal({ err: new Error('the end') }, 'The end.');
    expect(parsed(file('application.log'))).to.have.length(1);
    expect(parsed(file('access.log'))).to.have.length(1);
    expect(parsed(stdout.text())).to.have.length(2);
  });

  describe('to a process’s standard output', () => {
    async function start(lines: number) {
      const program = fileURLToPath(new URL('./logging-program.ts', import.meta.url));
      const child = spawn(process.execPath, [program, folder, String(lines)], { stdio: 'pipe' });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
      const says = (text: string) => eventually(() => expect(stderr).to.include(text), 10_000);
      const stop = async () => {
        child.kill('SIGTERM');
        const [code] = (await once(child, 'exit')) as [number | null];
        return { code, stderr };
      };
      return { child, says, stop };
    }

    it('goes on when its reader is gone', async () => {
      const { child, says, stop } = await start(10);
      child.stdout.destroy();
      await says('turning');
      const { code, stderr } = await stop();
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: 'written\nturning\nclosed true\n' });
      expect(linesOf(file('application.log')).length).to.be.greaterThan(12);
    });

    it('neither waits nor grows without end when its reader stalls, and still closes', async () => {
      const { child, says, stop } = await start(20_000);
      child.stdout.pause();
      await says('turning');
      const { code, stderr } = await stop();
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: 'written\nturning\nclosed true\n' });
    });
  });
});

describe('line queue', () => {
  /** An output that writes only when it is told to. */
  function slowOutput() {
    const chunks: string[] = [];
    let finish: ((error?: Error) => void) | undefined;
    const output: LineOutput = {
      write(chunk, done) {
        chunks.push(chunk);
        finish = done;
      },
      writeSync: (chunk) => void chunks.push(chunk),
    };
    const next = (error?: Error) => {
      const done = finish;
      finish = undefined;
      done?.(error);
    };
    return { output, chunks, next };
  }
  const lostLine = (lost: number) => `lost ${lost}`;

  it('writes one batch at a time, of bounded size', async () => {
    const { output, chunks, next } = slowOutput();
    const queue = createLineQueue(output, { lostLine, maxBatchChars: 10, delayMs: 1 });
    for (const line of ['aaaa', 'bbbb', 'cccc', 'd'.repeat(50)]) queue.add(line, false);
    await eventually(() => expect(chunks).to.have.length(1));
    next();
    await eventually(() => expect(chunks).to.have.length(2));
    next();
    await eventually(() => expect(chunks).to.have.length(3));
    next();
    expect(chunks).to.deep.equal(['aaaa\nbbbb\n', 'cccc\n', `${'d'.repeat(50)}\n`]);
  });

  it('drops what is too much, counts it, and says so where it is missing', async () => {
    const { output, chunks, next } = slowOutput();
    const queue = createLineQueue(output, { lostLine, maxWaitingChars: 20, delayMs: 1 });
    queue.add('first', true);
    await eventually(() => expect(chunks).to.have.length(1));
    for (let i = 0; i < 10; i += 1) queue.add(`line ${i}`, false);
    expect(queue.lost()).to.equal(8);
    next();
    await eventually(() => expect(chunks).to.have.length(2));
    expect(chunks[1]).to.equal('lost 8\nline 0\nline 1\n');
    next();
    await queue.flush(1_000);
  });

  it('counts the lines of a failed write as lost', async () => {
    const { output, chunks, next } = slowOutput();
    const queue = createLineQueue(output, { lostLine, delayMs: 1 });
    queue.add('a', false);
    queue.add('b', false);
    await eventually(() => expect(chunks).to.have.length(1));
    next(new Error('disk full'));
    queue.add('c', true);
    await eventually(() => expect(chunks).to.have.length(2));
    expect(chunks[1]).to.equal('lost 2\nc\n');
    next();
  });

  it('flush resolves when all is written, and gives up after its time', async () => {
    const { output, next } = slowOutput();
    const queue = createLineQueue(output, { lostLine, delayMs: 1 });
    await queue.flush(10_000);
    queue.add('a', false);
    await queue.flush(5);
    next();
    await queue.flush(10_000);
  });
});

describe('fields of a log line', () => {
  it('mask secrets however deep, by name and by look', () => {
    const secrets = {
      headers: { authorization: 'Bearer abc', Cookie: 'c', 'x-api-key': 'k' },
      list: [
        { password: 'p', newPassword: 'p', clientSecret: 's', accessToken: 't', METRICS_TOKEN: 't', masterKey: 'k' },
      ],
      map: new Map([['token', 'hidden']]),
      text: 'sent Bearer abcdefghijkl and dft_id1_abcdefghijkl',
      err: Object.assign(new Error('bad key dft_id1_abcdefghijkl'), { apiKey: 'k' }),
    };
    const text = JSON.stringify(plainFields(secrets));
    for (const name of ['authorization', 'Cookie', 'x-api-key', 'password', 'newPassword', 'clientSecret', 'apiKey'])
      expect(text).to.include(`"${name}":"***"`);
    for (const name of ['accessToken', 'METRICS_TOKEN', 'masterKey', 'token'])
      expect(text).to.include(`"${name}":"***"`);
    expect(text).not.to.match(/hidden|abcdefghijkl/);
    expect(text).to.include('dft_id1_***');
  });

  it('leave alone what only sounds like one', () => {
    const plain = { inputTokens: 5, apiKeyId: 'a', keyId: 'k', tokens: 3, author: 'x', hasSecret: true };
    expect(plainFields(plain)).to.deep.equal(plain);
  });

  it('are plain data whatever they were', () => {
    const cycle: Record<string, unknown> = { a: 1 };
    cycle['self'] = cycle;
    const odd = {
      cycle,
      big: 5n,
      bytes: new Uint8Array(3),
      at: new Date(0),
      set: new Set([1]),
      f: () => 1,
      s: Symbol('x'),
    };
    expect(plainFields(odd)).to.deep.equal({
      cycle: { a: 1, self: '[circular]' },
      big: '5',
      bytes: '[3 bytes]',
      at: '1970-01-01T00:00:00.000Z',
      set: [1],
      f: '[function]',
      s: 'Symbol(x)',
    });
    expect(JSON.stringify(plainFields({ text: 'x'.repeat(1e6), list: Array(1e5).fill(1) })).length).to.be.lessThan(
      20_000,
    );
  });

  it('keep an error’s stack, cause and own fields', () => {
    const err = Object.assign(new Error('outer', { cause: new AggregateError([new Error('one')], 'all') }), {
      code: 'E1',
    });
    const { err: shown } = plainFields({ err }) as { err: Record<string, unknown> };
    expect(shown).to.include({ name: 'Error', message: 'outer', code: 'E1' });
    expect(shown['stack']).to.match(/^Error: outer\n\s+at /);
    expect(shown).to.have.nested.property('cause.errors[0].message', 'one');
  });

  it('that throw when they are read are logged as such', () => {
    const fields = {
      get bad(): string {
        throw new Error('no');
      },
    };
    expect(plainFields(fields)).to.deep.equal({ unloggable: 'no' });
  });
});
