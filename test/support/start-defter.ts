// The whole of Defter as a child process, as a person would start it, on a free port and a folder of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const READY_WITHIN_MS = 60_000;

export interface RunningDefter {
  readonly url: string;
  /** The API key that it was given, or the first key that it made. */
  readonly key: string;
  readonly pid: number;
  /** Everything it has printed so far, on both outputs. */
  printed(): string;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill9(): Promise<void>;
}

export class DidNotStart extends Error {
  override name = 'DidNotStart';
  readonly exitCode: number | null;
  readonly printed: string;
  constructor(exitCode: number | null, printed: string) {
    super(`Defter ended with ${exitCode} before it was ready:\n${printed.slice(-4_000)}`);
    this.exitCode = exitCode;
    this.printed = printed;
  }
}

/**
 * `env` overrides the settings below; the environment of the tests themselves is not inherited but for PATH. `onSpawn`
 * is given what kills the process while it starts; then this rejects with `DidNotStart`.
 */
export async function startDefter(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
  { onSpawn }: { readonly onSpawn?: (kill9: () => void) => void } = {},
): Promise<RunningDefter> {
  const child = spawn(process.execPath, [MAIN], {
    cwd: dataDir,
    env: {
      PATH: process.env['PATH'],
      DATA_DIR: dataDir,
      PORT: '0',
      DISCOVER: 'off',
      LOG_DIR: 'off',
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onSpawn?.(() => child.kill('SIGKILL'));
  let printed = '';
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new DidNotStart(null, `not ready in ${READY_WITHIN_MS} ms\n${printed}`));
    }, READY_WITHIN_MS);
    const take = (text: string) => {
      printed += text;
      const found = /Defter is ready at (http:\/\/\S+)/.exec(printed)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new DidNotStart(code, printed));
    });
  });
  const ended = once(child, 'close');
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    url,
    key: env['API_KEY'] ?? (await readFile(join(dataDir, 'first-key'), 'utf8')).trim(),
    pid: child.pid as number,
    printed: () => printed,
    stop: () => end('SIGTERM'),
    kill9: async () => void (await end('SIGKILL')),
  };
}
