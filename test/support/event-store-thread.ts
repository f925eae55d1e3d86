// A thread with a handle of its own: appends what it is told to, and reports the ids its subscription sees.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { someEvent } from './some-event.ts';

const { folder, port } = workerData as { folder: string; port: MessagePort };
const store = await openSqliteEventStore({ folder, port });
const abort = new AbortController();

async function report(): Promise<void> {
  for await (const chunk of store.subscribeAll(0n, abort.signal)) {
    for (const { id } of chunk) parentPort?.postMessage({ saw: id });
  }
}
const reporting = report();

async function obey(message: { append: string } | 'close'): Promise<void> {
  if (message !== 'close') {
    const { revision } = await store.append(message.append, [someEvent()], 'any');
    parentPort?.postMessage({ appended: revision });
    return;
  }
  abort.abort();
  await reporting;
  await store.close();
  parentPort?.close();
}

parentPort?.on('message', (message: { append: string } | 'close') => void obey(message));
