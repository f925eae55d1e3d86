import { type AdapterOptions, type LogStore, opened, type Opened } from './opened.ts';

/** EventStoreDB, where EVENTSTORE_URL names it. */
export async function openRemoteEventStore({ config, log, signal }: AdapterOptions): Promise<Opened<LogStore>> {
  const { eventStoreUrl: address } = config;
  if (address === undefined) throw new TypeError('EVENTSTORE_URL is not set, and no embedded log was handed over');
  const { openEventStoreDbEventStore } = await import('../event-store/eventstore-event-store.ts');
  const store = await openEventStoreDbEventStore({ address, log, ...(signal && { signal }) });
  const { port, ...rest } = opened(store);
  return { port: { ...port, failed: new Promise(() => undefined) }, ...rest };
}
