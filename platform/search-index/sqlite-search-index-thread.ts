// The thread that searches for a thread that must not wait.

import { type MessagePort, workerData } from 'node:worker_threads';
import { serveThreadCalls } from '../threads/thread-calls.ts';
import { openIndexReaders } from './open-index-readers.ts';
import type { SearchQuery } from './search-index.ts';

const port = workerData as MessagePort;
let readers: ReturnType<typeof openIndexReaders> | undefined;

function opened() {
  if (!readers) throw new Error('the search index is not open');
  return readers;
}

serveThreadCalls(port, {
  open: (path: string) => void (readers = openIndexReaders(path)),
  search: ([index, query]: [string, SearchQuery]) => opened().of(index).search(query),
  aggregate: ([index, field, query]: [string, string, SearchQuery]) => opened().of(index).aggregate(field, query),
  close: () => opened().close(),
});
