import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '../event-store/event-store.ts';

const PAGE = 500;

/** A stream's events from one revision to another, both included, or to its end. */
export async function readStreamRange(
  store: Pick<EventStore, 'readStream'>,
  stream: string,
  from: number,
  to = Infinity,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const limit = Math.min(PAGE, to - from - events.length + 1);
    if (limit <= 0) return events;
    const page = await store.readStream(stream, { from: from + events.length, limit });
    events.push(...page);
    if (page.length < limit) return events;
  }
}
