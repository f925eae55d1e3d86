// One server as a child process: started, asked until it answers, killed, started again, ended.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Besides PATH, HOME and the like, which it inherits. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Both outputs are appended here. */
  readonly logFile: string;
  /** True once it answers; a rejection counts as not yet. */
  readonly answers: () => Promise<boolean>;
  readonly readyWithinMs?: number;
  /** Default SIGTERM. */
  readonly endBy?: NodeJS.Signals;
}

export interface ServerProcess {
  kill9(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const ASK_EVERY_MS = 50;
const END_WITHIN_MS = 5_000;

/** Rejects with the end of its output when it does not answer in time. */
export async function openServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { command, args, logFile, answers, readyWithinMs = 60_000, endBy = 'SIGTERM' } = options;
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null;

  async function start() {
    const output = openSync(logFile, 'a');
    const env = { ...process.env, ...options.env };
    const started = spawn(command, args, { cwd: options.cwd, env, stdio: ['ignore', output, output] });
    closeSync(output);
    child = started;
    const failed = new Promise<void>((resolve) => started.once('error', () => resolve()));
    ended = Promise.race([once(started, 'exit').catch(() => undefined), failed]);
    const until = performance.now() + readyWithinMs;
    while (!(await answers().catch(() => false))) {
      const isDead = started.pid === undefined || !isRunning();
      if (isDead || performance.now() > until) {
        await end('SIGKILL');
        const said = readFileSync(logFile, 'utf8').slice(-3_000);
        throw new Error(`${command} ${isDead ? 'ended' : 'did not answer'} instead of starting:\n${said}`);
      }
      await sleep(ASK_EVERY_MS);
    }
  }

  async function end(signal: NodeJS.Signals) {
    if (isRunning()) child?.kill(signal);
    const late = setTimeout(() => child?.kill('SIGKILL'), END_WITHIN_MS);
    await ended;
    clearTimeout(late);
    process.off('exit', killWithUs);
  }

  const killWithUs = () => void child?.kill('SIGKILL');
  const guardedStart = async () => {
    process.on('exit', killWithUs);
    await start();
  };

  await guardedStart();
  return {
    kill9: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL');
      await guardedStart();
    },
    stop: () => end(endBy),
  };
}
