// Starts and ends the two threads behind the embedded log. The death of either is fatal: without the one nothing can be
// appended, without the other the write-ahead log grows without bound.

import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { asError } from '../errors.ts';
import type { Log } from '../logging/log.ts';

export interface LogThreadStart {
  readonly folder: string;
}

export type ToLogThread = { readonly type: 'connect'; readonly port: MessagePort } | { readonly type: 'close' };
export type FromCheckpointThread =
  { readonly type: 'ready' } | { readonly type: 'checkpoint-failed'; readonly message: string };

export interface SqliteLogThreads {
  /** A port to the append thread, for a handle on this thread or, transferred, on another. */
  connect(): MessagePort;
  /** Resolves if a thread ends that was not told to. */
  readonly failed: Promise<Error>;
  /** Commits what waits, ends both threads and leaves the write-ahead log empty. */
  close(): Promise<void>;
  /** For measuring. */
  readonly appendThread: Worker;
}

/** The file must have been prepared. */
export async function startSqliteLogThreads(folder: string, log?: Log): Promise<SqliteLogThreads> {
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  let closing = false;

  async function start(script: string, name: string): Promise<Worker> {
    const workerData: LogThreadStart = { folder };
    const worker = new Worker(new URL(script, import.meta.url), { name, workerData });
    worker.on('error', (error) => fail(new Error(`the ${name} thread died: ${describe(error)}`, { cause: error })));
    worker.on('exit', (code) => closing || fail(new Error(`the ${name} thread ended with code ${code}`)));
    const lost = failed.then((error) => Promise.reject(error));
    await Promise.race([once(worker, 'message'), lost]);
    return worker;
  }

  async function end(worker: Worker): Promise<void> {
    if (worker.threadId === -1) return;
    const ended = once(worker, 'exit');
    send(worker, { type: 'close' });
    await ended;
  }

  const appendThread = await start('./sqlite-append-thread.ts', 'append');
  const checkpointThread = await start('./sqlite-checkpoint-thread.ts', 'checkpoint').catch(async (error: unknown) => {
    await appendThread.terminate();
    throw error;
  });
  checkpointThread.on('message', (message: FromCheckpointThread) => {
    if (message.type === 'checkpoint-failed') log?.warn({ reason: message.message }, 'A checkpoint of the log failed.');
  });
  void failed.then((error) => log?.error({ err: error }, 'The event log cannot go on.'));

  return {
    connect() {
      const { port1, port2 } = new MessageChannel();
      send(appendThread, { type: 'connect', port: port1 }, [port1]);
      return port2;
    },
    failed,
    async close() {
      closing = true;
      await end(appendThread);
      await end(checkpointThread);
    },
    appendThread,
  };
}

function send(worker: Worker, message: ToLogThread, transfer: MessagePort[] = []): void {
  worker.postMessage(message, transfer);
}

function describe(error: unknown): string {
  return asError(error).message;
}
