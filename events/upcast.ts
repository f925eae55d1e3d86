// Old events are read as if they had been written today. One pure step per type and version; steps are never removed,
// because the log keeps every version for ever.

import type { Upcasters } from './aggregate.ts';
import { upcasters } from './catalog.ts';
import type { RecordedEvent } from './envelope.ts';

/** The event at its type's present version; the same object when it already is. */
export function upcast(event: RecordedEvent, steps: Upcasters = upcasters): RecordedEvent {
  const todo = steps[event.type]?.slice(event.metadata.schemaVersion - 1) ?? [];
  if (todo.length === 0) return event;
  return {
    ...event,
    data: todo.reduce((data, step) => step(data), event.data),
    metadata: { ...event.metadata, schemaVersion: event.metadata.schemaVersion + todo.length },
  };
}
