// The thread that writes and scans the read store's file for a thread that must not wait.

import { type MessagePort, workerData } from 'node:worker_threads';
import { serveThreadCalls } from '../threads/thread-calls.ts';
import { openDocumentFile } from './open-document-file.ts';
import type { Checkpoint, DocumentWrite, RangeOptions, ScanOptions } from './read-store.ts';

const port = workerData as MessagePort;
let file: Awaited<ReturnType<typeof openDocumentFile>> | undefined;

function opened() {
  if (!file) throw new Error('the read store is not open');
  return file;
}

serveThreadCalls(port, {
  open: async (path: string) => void (file = await openDocumentFile(path)),
  apply: ([writes, checkpoint, now]: [DocumentWrite[], Checkpoint | undefined, number]) =>
    opened().writer.apply(writes, checkpoint, now),
  put: ([key, value]: [string, unknown]) => opened().writer.put(key, value),
  remove: ([key]: [string]) => opened().writer.remove(key),
  sweepExpired: ([now, limit]: [number, number]) => opened().writer.sweepExpired(now, limit),
  purge: () => opened().writer.purge(),
  range: ([set, options]: [string, RangeOptions]) => opened().reader.range(set, options),
  sizes: ([sets]: [string[]]) => opened().reader.sizes(sets),
  keys: ([prefix, limit]: [string, number]) => opened().reader.keys(prefix, limit),
  scan: ([prefix, options, now]: [string, ScanOptions, number]) => opened().reader.scan(prefix, options, now),
  drop: ([prefix, limit]: [string, number]) => opened().writer.drop(prefix, limit),
  claim: ([generation]: [string]) => opened().generation.claim(generation),
  startOver: ([generation]: [string]) => opened().generation.startOver(generation),
  close: () => opened().close(),
});
