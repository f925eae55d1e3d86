// Small programs that tell on standard output what happens to their parts; which one is the first argument.

import { StartError } from '#platform/errors.ts';
import { runProgram, type Program } from '#platform/lifecycle/lifecycle.ts';
import { openLogging } from '#platform/logging/open-logging.ts';

const say = (text: string) => process.stdout.write(`${text}\n`);
const never = new Promise<never>(() => undefined);

function part(program: Program, name: string, close: () => void | Promise<void> = () => undefined) {
  const alive = () => setInterval(() => undefined, 1000);
  return program.open(name, alive, async (timer) => {
    await close();
    clearInterval(timer);
    say(`closed ${name}`);
  });
}

const programs: Record<string, (program: Program) => Promise<void>> = {
  async ordinary(program) {
    await part(program, 'first');
    await part(program, 'second');
    say('ready');
  },
  async failingClose(program) {
    await part(program, 'first');
    await part(program, 'second', () => Promise.reject(new Error('cannot close')));
    say('ready');
  },
  async stuck(program) {
    program.setGrace(Number(process.argv[3]));
    await part(program, 'first', () => never);
    say('ready');
  },
  async slowStart(program) {
    await part(program, 'first');
    say('ready');
    await program.open(
      'second',
      () => new Promise<void>((resolve) => program.stopping.addEventListener('abort', () => setTimeout(resolve, 20))),
      () => void say('closed second'),
    );
    say('not reached');
  },
  async refused(program) {
    await part(program, 'first');
    throw new StartError(['PORT must be 1.', 'HOST must be 2.']);
  },
  async broken(program) {
    await part(program, 'first');
    throw new TypeError('a bug');
  },
  async uncaught(program) {
    const options = { service: 'test', level: 'info', dir: process.argv[3] ?? null } as const;
    const rotation = { maxBytes: 1e6, files: 1, maxAgeMs: 1e6 };
    program.logTo(
      await program.open(
        'log',
        () => openLogging({ ...options, rotation }),
        (log) => log.close(),
      ),
    );
    setImmediate(() => {
      throw new TypeError('out of nowhere', { cause: new Error('the cause') });
    });
  },
  async rejected(program) {
    await part(program, 'first');
    setImmediate(() => void Promise.reject(new Error('forgotten promise')));
  },
  async partFails(program) {
    await part(program, 'first');
    await part(program, 'second');
    setImmediate(() => program.fail('second', new Error('gone')));
  },
};

await runProgram(programs[process.argv[2] ?? ''] ?? programs['ordinary']!);
