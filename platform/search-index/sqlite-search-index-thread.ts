// A thread that searches for a thread that must not wait.

import { type MessagePort, workerData } from 'node:worker_threads';
import { lowerThreadPriority } from '../threads/lower-priority.ts';
import { serveThreadCalls } from '../threads/thread-calls.ts';
import { type Allowed, type IndexReaders, openIndexReaders } from './open-index-readers.ts';
import type { DigestOptions, HistogramQuery, SearchQuery } from './search-index.ts';

const port = workerData as MessagePort;
let readers: IndexReaders | undefined;

function opened() {
  if (!readers) throw new Error('the search index is not open');
  return readers;
}

serveThreadCalls(port, {
  open({ path, isBackground }: { path: string; isBackground: boolean }) {
    if (isBackground) lowerThreadPriority();
    readers = openIndexReaders(path);
  },
  search: ([allowed, index, query]: [Allowed, string, SearchQuery]) =>
    opened().read(index, allowed, (reader) => reader.search(query)),
  aggregate: ([allowed, index, field, query]: [Allowed, string, string, SearchQuery]) =>
    opened().read(index, allowed, (reader) => reader.aggregate(field, query)),
  histogram: ([allowed, index, query]: [Allowed, string, HistogramQuery]) =>
    opened().read(index, allowed, (reader) => reader.histogram(query)),
  digests: ([allowed, index, options]: [Allowed, string, DigestOptions]) =>
    opened().read(index, allowed, (reader) => reader.digests(options)),
  close: () => opened().close(),
});
