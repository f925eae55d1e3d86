// A program as a child process: started, asked until it answers, watched, ended. It never outlives the process that started
// it, however that one ends: its process group holds a small watcher at the other end of a pipe, which ends the group when
// the pipe does. The pipe is there before the program is, so there is no moment in which it could be left behind.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { codeOf } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { persist } from '../patience/persist.ts';
import { atMost, unlessAborted, within } from '../patience/within.ts';
import { residentBytesOf } from './resident-memory.ts';
import type { Supervisable } from './supervise.ts';

export interface ChildOptions {
  /** In the log. */
  readonly name: string;
  /** A path. */
  readonly command: string;
  readonly args: readonly string[];
  /** All that it sees of the environment: ours holds secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** True once it is ready; asked again until then, a rejection counts as not yet. */
  readonly answers: () => Promise<boolean>;
  readonly readyWithinMs?: number;
  /** Resident memory, in bytes, of it and of what it started: with more it is ended. */
  readonly memoryLimitBytes: number;
  readonly lookAtMemoryEveryMs?: number;
  /** Its output goes there, line by line. */
  readonly log: Log;
}

export interface Child extends Supervisable {
  /** Of it and of its process group. */
  readonly pid: number;
}

/** For POSIX sh. The watcher reads descriptor 3 until its end; the program has not got it. */
const WATCHED = `
  ( trap '' TERM INT HUP; read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 &
  exec "$0" "$@" 3<&-
`;

const ASK_EVERY_MS = 50;
const MOST_LAST_LINES = 20;
/** Its output may end a moment after it. */
const LAST_WORDS_MS = 1_000;

/** Resolves when it answers; rejects, with nothing left of it, when it does not. Windows has no such groups. */
export async function startChild(options: ChildOptions, signal?: AbortSignal): Promise<Child> {
  const { name, command, args, env, cwd, answers, memoryLimitBytes, readyWithinMs = 60_000, log } = options;
  const child = spawn('/bin/sh', ['-c', WATCHED, command, ...args], {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw (await once(child, 'error'))[0];
  const said = listen(child, name, log);
  const failed = Promise.withResolvers<Error>();
  const answered = new AbortController();
  let stopping = false;

  const closed = once(child, 'close');
  const exit = async () => {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    clearInterval(looking);
    killGroup(pid);
    await atMost(LAST_WORDS_MS, closed);
    for (const stream of child.stdio) stream?.destroy();
    if (!stopping) failed.resolve(new Error(`${name} ended with ${killedBy ?? `code ${code}`}${said()}`));
  };
  const exited = exit();

  const look = async () => {
    const bytes = await residentBytesOf(pid);
    if (bytes <= memoryLimitBytes || stopping) return;
    failed.resolve(new Error(`${name} held ${bytes} bytes of memory, more than its ${memoryLimitBytes}`));
    killGroup(pid);
  };
  const looking = setInterval(() => {
    look().catch((err: unknown) => log.warn({ service: name, err }, 'what memory it holds cannot be told'));
  }, options.lookAtMemoryEveryMs ?? 2_000);

  const stop = async (graceMs: number): Promise<void> => {
    stopping = true;
    child.kill('SIGTERM');
    await atMost(graceMs, exited);
    killGroup(pid);
    await exited;
  };

  const ask = async () => {
    if (!(await answers())) throw new Error(`${name} is not ready yet`);
  };
  const ready = persist(ask, answered.signal, () => undefined, {
    isHopeless: () => false,
    waitMs: () => ASK_EVERY_MS,
  });
  try {
    const early = failed.promise.then((error) => Promise.reject(error));
    const first = Promise.race([ready, early]);
    const late = () => new Error(`${name} did not answer within ${readyWithinMs} ms${said()}`);
    await within(readyWithinMs, signal ? unlessAborted(first, signal) : first, late);
  } catch (error) {
    await stop(0);
    throw error;
  } finally {
    answered.abort(new Error('nobody asks any more'));
  }
  return { pid, failed: failed.promise, stop };
}

/** Sends its output to the log; answers what it said last, for the reason of its end. */
function listen({ stdout, stderr }: ChildProcess, name: string, log: Log): () => string {
  const last: string[] = [];
  for (const stream of [stdout, stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      log.debug({ service: name, line }, 'it says');
      last.push(line);
      if (last.length > MOST_LAST_LINES) last.shift();
    });
  }
  return () => (last.length === 0 ? '' : `:\n${last.join('\n')}`);
}

/** It and what it started; nothing where none is left. */
function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    // EPERM: macOS, where only its own end is left of it.
    if (!['ESRCH', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
  }
}
