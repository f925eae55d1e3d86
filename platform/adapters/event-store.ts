import type { EventStore } from '../event-store/event-store.ts';
import { openSqliteEventStore } from '../event-store/sqlite-event-store.ts';
import { requireLogFile } from '../event-store/sqlite-log-file.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** EventStoreDB, or else SQLite: written by the main thread's engine, which the others reach by a port. */
export async function openEventStore(options: AdapterOptions): Promise<Opened<EventStore>> {
  const { config, log, signal, thread } = options;
  const { eventStoreUrl: address, dataDir: folder } = config;
  if (address !== undefined) {
    const { openEventStoreDbEventStore } = await import('../event-store/eventstore-event-store.ts');
    return opened(await openEventStoreDbEventStore({ address, log, ...(signal && { signal }) }));
  }
  if (!thread) {
    const engine = await openSqliteEventStore({ folder, log });
    return { ...opened(engine), failed: engine.failed, connect: () => engine.connect() };
  }
  const { 'event store': port } = thread;
  if (!port) throw new TypeError('EVENTSTORE_URL is not set, and no port to the embedded log was handed over');
  const store = await openSqliteEventStore({ folder, log, port });
  return { ...opened(store), failed: store.failed };
}

/** For who only looks in: throws `StartError` where there is no embedded log, rather than have one made. */
export function requireLog({ eventStoreUrl, dataDir }: AdapterOptions['config']): void {
  if (eventStoreUrl === undefined) requireLogFile(dataDir);
}
