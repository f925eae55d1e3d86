// Old events are read as if they had been written today. One pure step per type and version; steps are never removed,
// because the log keeps every version for ever.

import type { RecordedEvent } from './envelope.ts';

/** Turns the data of version n into that of version n + 1. */
export type UpcastStep = (data: unknown) => unknown;

/** Type name to its steps; the step at index 0 turns version 1 into 2. */
export type Upcasters = Readonly<Record<string, readonly UpcastStep[]>>;

export const upcasters: Upcasters = {};

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
