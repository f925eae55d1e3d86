// A thread for openSqliteThread that fails as it is told.

import { type MessagePort, workerData } from 'node:worker_threads';
import { serveThreadCalls } from '#platform/threads/thread-calls.ts';

let opened: string | undefined;

serveThreadCalls(workerData as MessagePort, {
  open(settings: string) {
    if (settings === 'refuse') throw new Error(`cannot open ${settings}`);
    opened = settings;
  },
  settings: () => opened,
  never: () => new Promise(() => {}),
  die() {
    setImmediate(() => {
      throw new Error('died of this');
    });
    return new Promise(() => {});
  },
  close: () => {},
});
