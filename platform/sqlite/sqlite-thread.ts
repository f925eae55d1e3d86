// A thread that works on a database file so that the calling thread's event loop does not wait for it. When the thread
// ends by itself (out of memory), what was under way rejects and the next call starts another one.

import { MessageChannel, Worker } from 'node:worker_threads';
import { createThreadCaller, ThreadEnded, type ThrownHere } from '../threads/thread-calls.ts';

export interface SqliteThread {
  call(method: string, input: unknown): Promise<unknown>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

/** `entry` serves calls on the port that it gets as `workerData`, among them `open(settings)`, the first, and `close()`. */
export async function openSqliteThread(
  entry: URL,
  settings: unknown,
  revive?: (error: ThrownHere) => Error,
): Promise<SqliteThread> {
  let running: Promise<SqliteThread> | undefined;
  let closed = false;

  function ready(): Promise<SqliteThread> {
    if (running) return running;
    const started = startThread(entry, settings, revive, forget);
    running = started;
    started.catch(forget);
    return started;
    function forget() {
      if (running === started) running = undefined;
    }
  }

  await ready();
  return {
    async call(method, input) {
      if (closed) throw new Error('the store is closed');
      return (await ready()).call(method, input);
    },
    async close() {
      if (closed) return;
      closed = true;
      await (await running)?.close();
    },
  };
}

async function startThread(
  entry: URL,
  settings: unknown,
  revive: ((error: ThrownHere) => Error) | undefined,
  ended: () => void,
): Promise<SqliteThread> {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(entry, { workerData: port2, transferList: [port2] });
  const caller = createThreadCaller(port1, revive);
  const exited = Promise.withResolvers<void>();
  let cause: unknown;
  worker.once('error', (error) => (cause = error));
  worker.once('exit', () => {
    ended();
    caller.end();
    port1.close();
    exited.resolve();
  });
  worker.unref();

  async function call(method: string, input: unknown): Promise<unknown> {
    try {
      return await caller.call(method, input);
    } catch (error) {
      if (!(error instanceof ThreadEnded)) throw error;
      // The channel closes a moment before the thread's end, and its reason, are told.
      ended();
      await exited.promise;
      error.cause ??= cause;
      throw error;
    }
  }

  async function end(): Promise<void> {
    worker.ref();
    await worker.terminate();
    await exited.promise;
  }

  try {
    await call('open', settings);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    call,
    async close() {
      await call('close', undefined);
      await end();
    },
  };
}
