import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from './event-store.ts';

const PAGE = 500;

/** All events of a stream, read in pages. For streams whose type states a longest length. */
export async function readWholeStream(
  store: Pick<EventStore, 'readStream'>,
  stream: string,
  from = 0,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const page = await store.readStream(stream, { from: from + events.length, limit: PAGE });
    events.push(...page);
    if (page.length < PAGE) return events;
  }
}
