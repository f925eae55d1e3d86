// One service of Defter as a child process, on free ports.

import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DidNotStart } from './start-defter.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const READY_WITHIN_MS = 60_000;

export interface StartOptions {
  readonly onSpawn?: (kill: (signal: NodeJS.Signals) => void) => void;
  readonly readyWithinMs?: number;
}

export interface StartedService {
  readonly name: string;
  /** Of an API; empty for a service that answers no one. */
  readonly url: string;
  readonly opsUrl: string;
  readonly pid: number;
  printed(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves when its process has ended, for whatever reason. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  stop(): Promise<number | null>;
  kill9(): Promise<void>;
}

/** Resolves when it works. The environment of the tests is not inherited but for PATH. */
export async function startService(
  name: string,
  env: Readonly<Record<string, string>>,
  { onSpawn, readyWithinMs = READY_WITHIN_MS }: StartOptions = {},
): Promise<StartedService> {
  const child = spawn(process.execPath, [MAIN, name], {
    env: { PATH: process.env['PATH'], PORT: '0', OPS_PORT: '0', DISCOVER: 'off', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killWithUs = () => void child.kill('SIGKILL');
  process.on('exit', killWithUs);
  child.once('close', () => process.off('exit', killWithUs));
  onSpawn?.((signal) => child.kill(signal));
  let printed = '';
  const { url, opsUrl } = await new Promise<{ url: string; opsUrl: string }>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new DidNotStart(null, `${name} did not run in ${readyWithinMs} ms\n${printed}`));
    }, readyWithinMs);
    const take = (text: string) => {
      printed += text;
      const found = /^Defter \S+ runs(?: at (http:\S+))?; operations at (http:\S+)$/m.exec(printed);
      if (!found) return;
      clearTimeout(timer);
      resolve({ url: found[1] ?? '', opsUrl: found[2] ?? '' });
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new DidNotStart(code, printed));
    });
  });
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }));
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    name,
    url,
    opsUrl,
    pid: child.pid as number,
    printed: () => printed,
    signal: (name) => void child.kill(name),
    ended,
    stop: () => end('SIGTERM'),
    kill9: async () => void (await end('SIGKILL')),
  };
}

/** `node main.ts migrate`, with a password for the administrator that nobody is told; rejects with what it said when it fails. */
export async function runMigrate(env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(process.execPath, [MAIN, 'migrate'], {
    env: { PATH: process.env['PATH'], DISCOVER: 'off', ADMIN_PASSWORD: randomBytes(12).toString('hex'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new DidNotStart(code, printed);
  return printed;
}
