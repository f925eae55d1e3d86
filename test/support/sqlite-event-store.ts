import { randomUUID } from 'node:crypto';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { AppendRequest } from '#platform/event-store/append-request.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** In a folder of its own, removed when it closes. */
export async function openTemporaryEventStore(): Promise<EventStore> {
  const folder = await temporaryFolder();
  const store = await openSqliteEventStore({ folder: folder.path });
  return { ...store, close: () => store.close().then(folder.remove) };
}

/** The handle that a further thread would have. */
export async function openFurtherHandle(): Promise<EventStore> {
  const folder = await temporaryFolder();
  const host = await openSqliteEventStore({ folder: folder.path });
  const handle = await openSqliteEventStore({ folder: folder.path, port: host.connect() });
  const close = async () => {
    await handle.close();
    await host.close();
    await folder.remove();
  };
  return { ...handle, close };
}

/** An append as the append thread gets it. */
export function someRequest(stream: string, data = '{}'): AppendRequest {
  const event = { id: randomUUID(), type: 'SomethingHappened', data, metadata: '{}' };
  return { stream, expected: 'any', events: [event] };
}
