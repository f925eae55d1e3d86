// Passwords are hashed by a program of its own, which stands back behind the threads that answer requests: a hash takes
// 50 to 100 ms of a processor, on purpose. It is started by the first password and ends when none came for a while. Two are
// hashed at a time and few may wait, so that many who sign in at once are told to come again.

import { type ChildProcess, fork } from 'node:child_process';
import { transientError } from '../errors.ts';
import type { PasswordReply, PasswordRequest, PasswordTask } from './password-program.ts';

/** Too many passwords wait to be hashed. */
export class PasswordsBusy extends transientError('passwords-busy') {}

/** The program ended meanwhile; the next password starts it anew. */
export class PasswordsInterrupted extends transientError('passwords-interrupted') {}

export interface Passwords {
  /**
   * Does what holds a password against a hash. Throws `PasswordsBusy` before anything of it is done; once it has begun there
   * is room for it until it has ended.
   */
  withRoom<T>(work: (verify: VerifyPassword) => Promise<T>): Promise<T>;
  /** The hash to keep, in PHC string format, which says its own parameters. Throws `PasswordsBusy`. */
  hash(password: string): Promise<string>;
  /** Whether it is among those that are tried first, with who signs in by this e-mail address. Throws `PasswordsBusy`. */
  isCommon(password: string, email: string | undefined): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Whether it is the password of this hash, and whether the hash is to be made anew, as the parameters have changed. Without
 * a hash, no; it takes as long all the same.
 */
export type VerifyPassword = (
  password: string,
  hash: string | undefined,
) => Promise<{ readonly right: boolean; readonly stale: boolean }>;

const PROGRAM = new URL('./password-program.ts', import.meta.url);
const MOST_AT_ONCE = 2;
const MOST_WAITING = 20;
const IDLE_MS = 60_000;

/** One password has several ways to be typed: composed characters stand for all of them (RFC 8265, section 4.2). */
const typed = (password: string) => password.normalize('NFC');

interface Waiting {
  readonly task: PasswordTask;
  readonly resolve: (reply: PasswordReply) => void;
  readonly reject: (error: Error) => void;
}

export function openPasswords(): Passwords {
  const queue: Waiting[] = [];
  const running = new Map<number, Waiting>();
  let child: ChildProcess | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last = 0;
  /** Who has been let in and has not ended. */
  let admitted = 0;
  let closed = false;

  function start(): ChildProcess {
    const started = fork(PROGRAM, {
      // It is to see nothing of ours: the environment holds secrets.
      env: {},
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    started.on('message', (message) => {
      const reply = message as PasswordReply;
      const asked = running.get(reply.id);
      running.delete(reply.id);
      asked?.resolve(reply);
      goOn();
    });
    const lost = (cause?: Error) => {
      if (child !== started) return;
      child = undefined;
      for (const { reject } of running.values())
        reject(new PasswordsInterrupted('the program that hashes passwords ended', { cause }));
      running.clear();
      goOn();
    };
    started.on('error', lost);
    started.on('exit', () => lost());
    return started;
  }

  /** Ends the program; it is not one that is lost. */
  function end(): void {
    const ended = child;
    child = undefined;
    if (ended?.connected) ended.disconnect();
  }

  function goOn(): void {
    clearTimeout(idle);
    while (running.size < MOST_AT_ONCE && queue.length > 0) {
      const next = queue.shift()!;
      const id = ++last;
      running.set(id, next);
      child ??= start();
      child.ref();
      child.channel?.ref();
      child.send({ ...next.task, id } satisfies PasswordRequest);
    }
    if (running.size > 0) return;
    // Nobody waits for it: it holds no process that would end.
    child?.unref();
    child?.channel?.unref();
    idle = setTimeout(end, IDLE_MS).unref();
  }

  async function inRoom<T>(work: () => Promise<T>): Promise<T> {
    if (admitted >= MOST_AT_ONCE + MOST_WAITING) throw new PasswordsBusy(`${admitted} passwords wait to be hashed`);
    admitted += 1;
    try {
      return await work();
    } finally {
      admitted -= 1;
    }
  }

  async function ask<Kind extends PasswordTask['kind']>(task: PasswordTask & { readonly kind: Kind }) {
    if (closed) throw new PasswordsInterrupted('passwords are hashed no more: all is being closed');
    const { promise, resolve, reject } = Promise.withResolvers<PasswordReply>();
    queue.push({ task, resolve, reject });
    goOn();
    const reply = await promise;
    if (reply.kind !== task.kind)
      throw new Error(reply.kind === 'failed' ? reply.reason : `asked for ${task.kind}, and told ${reply.kind}`);
    return reply as PasswordReply & { readonly kind: Kind };
  }

  return {
    withRoom: (work) =>
      inRoom(() => work((password, hash) => ask({ kind: 'verify', password: typed(password), hash }))),
    hash: (password) => inRoom(async () => (await ask({ kind: 'hash', password: typed(password) })).hash),
    isCommon: (password, email) =>
      inRoom(async () => (await ask({ kind: 'isCommon', password: typed(password), email })).common),
    async close() {
      closed = true;
      clearTimeout(idle);
      end();
      for (const { reject } of [...queue.splice(0), ...running.values()])
        reject(new PasswordsInterrupted('all is being closed'));
      running.clear();
    },
  };
}
