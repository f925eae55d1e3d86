// The script of the append thread: the only writer of this process. Serves every port it is given, and tells each of
// them the log's head after a commit.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { serveThreadCalls, type ThreadServer } from '../threads/thread-calls.ts';
import { type PackedAppend, unpackAppend } from './append-request.ts';
import { createGroupCommit } from './group-commit.ts';
import { createSqliteAppendLog, type PackedAnswer } from './sqlite-append-log.ts';
import { openLogWriter } from './sqlite-log-file.ts';
import type { LogThreadStart, ToLogThread } from './sqlite-log-threads.ts';

if (!parentPort) throw new Error('sqlite-append-thread.ts is the script of a worker thread');
const control = parentPort;
const db = openLogWriter((workerData as LogThreadStart).folder);
const servers = new Map<MessagePort, ThreadServer>();
const selectHead = db.prepare('SELECT max(position) AS head FROM events');
let head = 0;

const commits = createGroupCommit(createSqliteAppendLog(db), () => {
  const before = head;
  head = (selectHead.get() as { head: number | null }).head ?? 0;
  if (head !== before) for (const server of servers.values()) server.notify(head);
});

function serve(port: MessagePort): void {
  const append = async (packed: PackedAppend): Promise<PackedAnswer> => {
    const { revision, position, recordedAt } = await commits.append(unpackAppend(packed));
    return [revision, position, recordedAt];
  };
  servers.set(port, serveThreadCalls(port, { append }));
  port.on('close', () => servers.delete(port));
}

function close(): void {
  commits.drain();
  db.close();
  // The answers go out in this round's setImmediate; the ports end after them.
  setImmediate(() => setImmediate(() => process.exit(0)));
}

control.on('message', (message: ToLogThread) => (message.type === 'connect' ? serve(message.port) : close()));
control.postMessage('ready');
