// The thread that searches for a thread that must not wait.

import { type MessagePort, workerData } from 'node:worker_threads';
import { serveThreadCalls } from '../threads/thread-calls.ts';
import { type IndexReaders, openIndexReaders } from './open-index-readers.ts';
import type { DigestOptions, SearchQuery } from './search-index.ts';

const port = workerData as MessagePort;
let readers: IndexReaders | undefined;

function opened() {
  if (!readers) throw new Error('the search index is not open');
  return readers;
}

serveThreadCalls(port, {
  open: (path: string) => void (readers = openIndexReaders(path)),
  search: ([until, index, query]: [number, string, SearchQuery]) =>
    opened().read(index, until, (reader) => reader.search(query)),
  aggregate: ([until, index, field, query]: [number, string, string, SearchQuery]) =>
    opened().read(index, until, (reader) => reader.aggregate(field, query)),
  digests: ([until, index, options]: [number, string, DigestOptions]) =>
    opened().read(index, until, (reader) => reader.digests(options)),
  close: () => opened().close(),
});
