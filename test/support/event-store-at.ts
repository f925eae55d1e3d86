import { type EventStoreAddress, parseEventStoreUrl } from '#platform/config/event-store-url.ts';

/** What EVENTSTORE_URL would name. */
export function eventStoreAt(url: string | undefined): EventStoreAddress {
  const parsed = parseEventStoreUrl(url ?? '');
  if (!parsed.ok) throw new Error(`${url} ${parsed.faults.join('; ')}`);
  return parsed.address;
}
