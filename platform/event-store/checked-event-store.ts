// The event store as all services get it: nothing is appended unchecked or to a stream where it does not belong, which would
// stop every consumer for ever, nothing is read as it was once written.

import type { RecordedEvent } from '#events/envelope.ts';
import type { EventLanguage } from '../event-language.ts';
import type { EventCodec } from './event-codec.ts';
import { EventRefused, type EventStore } from './event-store.ts';

/** Reads throw `LogIsNewer`; a subscription first yields the events before the one it does not know. */
export function createCheckedEventStore(
  store: EventStore,
  codec: EventCodec,
  { typesOf }: Pick<EventLanguage, 'typesOf'>,
): EventStore {
  const read = (event: RecordedEvent) => codec.read(event);
  return {
    generation: store.generation,
    async append(stream, events, expected) {
      const own = typesOf(stream);
      if (!own) throw new EventRefused(`${stream} is of no kind of stream that this program knows`);
      for (const event of events) {
        codec.check(event);
        if (!own.has(event.type)) throw new EventRefused(`${event.type} is no event of ${stream}`);
      }
      return store.append(stream, events, expected);
    },
    readStream: async (stream, options) => (await store.readStream(stream, options)).map(read),
    readAll: async (after, limit) => (await store.readAll(after, limit)).map(read),
    head: () => store.head(),
    async *subscribeAll(after, signal, choice) {
      for await (const chunk of store.subscribeAll(after, signal, choice)) {
        const { events, stop } = readUpTo(chunk, codec);
        if (events.length > 0) yield events;
        if (stop) throw stop;
      }
    },
    close: () => store.close(),
  };
}

function readUpTo(chunk: readonly RecordedEvent[], codec: EventCodec): { events: RecordedEvent[]; stop?: Error } {
  const events: RecordedEvent[] = [];
  try {
    for (const event of chunk) events.push(codec.read(event));
    return { events };
  } catch (error) {
    return { events, stop: error as Error };
  }
}
