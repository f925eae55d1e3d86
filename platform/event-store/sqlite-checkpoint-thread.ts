// The script of the checkpoint thread: moves the write-ahead log into the database file, so that no append ever waits
// for it. https://www.sqlite.org/wal.html#ckpt

import { parentPort, workerData } from 'node:worker_threads';
import { asError } from '../errors.ts';
import { openLogWriter } from './sqlite-log-file.ts';
import type { FromCheckpointThread, LogThreadStart, ToLogThread } from './sqlite-log-threads.ts';

if (!parentPort) throw new Error('sqlite-checkpoint-thread.ts is the script of a worker thread');
const control = parentPort;

const lookEveryMs = 100;
const atLeastEveryMs = 1_000;
/** Pages of 4 KiB that are not yet in the database file. */
const manyPages = 1_000;
/** A log that was never idle long enough to start over from its beginning; 64 MiB. */
const overgrownPages = 16_000;

const db = openLogWriter((workerData as LogThreadStart).folder);
// A checkpoint that is in someone's way gives up soon and comes again; it must not keep appends waiting.
db.exec('PRAGMA busy_timeout = 50');
const dataVersion = db.prepare('PRAGMA data_version');
let checkpointed = -1;
let checkpointedAt = 0;

function checkpoint(mode: 'NOOP' | 'PASSIVE' | 'RESTART' | 'TRUNCATE'): { log: number; checkpointed: number } {
  return db.prepare(`PRAGMA wal_checkpoint(${mode})`).get() as { log: number; checkpointed: number };
}

function look(): void {
  const version = Number(dataVersion.get()?.['data_version']);
  if (version === checkpointed) return;
  const now = Date.now();
  const { log, checkpointed: done } = checkpoint('NOOP');
  if (log - done < manyPages && now - checkpointedAt < atLeastEveryMs) return;
  const passed = checkpoint('PASSIVE');
  // Under constant appends there is always one frame more; this waits for the moment between two commits.
  if (log > overgrownPages) checkpoint('RESTART');
  // A reader of old pages can hold it up; then it comes again in a second.
  if (passed.log === passed.checkpointed) checkpointed = version;
  checkpointedAt = now;
}

function carefully(work: () => void): void {
  try {
    work();
  } catch (error) {
    tell({ type: 'checkpoint-failed', message: asError(error).message });
  }
}

function tell(message: FromCheckpointThread): void {
  control.postMessage(message);
}

const timer = setInterval(() => carefully(look), lookEveryMs);

control.on('message', (message: ToLogThread) => {
  if (message.type !== 'close') return;
  clearInterval(timer);
  carefully(() => void checkpoint('TRUNCATE'));
  db.close();
  control.close();
});
tell({ type: 'ready' });
