// A process that appends from several callers at once, and prints a line for each append once it is acknowledged:
// `<stream> <revision of the last event> <ids>`. It ends when it is killed.

import { writeSync } from 'node:fs';
import { v7 } from 'uuid';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { someEvent } from './some-event.ts';

const [folder, prefix] = process.argv.slice(2);
if (!folder || !prefix) throw new Error('a folder and a prefix for the streams are needed');
const store = await openSqliteEventStore({ folder });

async function appendForEver(stream: string): Promise<never> {
  for (let n = 0; ; n += 1) {
    const parts = 1 + (n % 3);
    const append = v7();
    const events = Array.from({ length: parts }, () => someEvent({ append, parts }));
    const { revision } = await store.append(stream, events, 'any');
    writeSync(1, `${stream} ${revision} ${events.map(({ id }) => id).join()}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, n) => appendForEver(`${prefix}-${n}`)));
