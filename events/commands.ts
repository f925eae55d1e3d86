// A command with an Idempotency-Key that changes an existing stream is recognised by the last commands that stream took.

import type { RecordedEvent } from './envelope.ts';

/** Commands remembered per stream; a retry comes within minutes, so this covers it. */
const REMEMBERED = 100;

/** Command id (the event's `$causationId`) to the id of the event it led to, which is derived from the body too. */
export type RememberedCommands = readonly (readonly [commandId: string, eventId: string])[];

export function rememberCommand(known: RememberedCommands, event: RecordedEvent): RememberedCommands {
  return [...known.slice(1 - REMEMBERED), [event.metadata.$causationId, event.id]];
}

/** What a command with this id and this event id means to a stream that has taken `known`. */
export function recogniseCommand(
  known: RememberedCommands,
  commandId: string,
  eventId: string,
): 'new' | 'repeated' | 'reused-with-other-payload' {
  const seen = known.filter(([id]) => id === commandId);
  if (seen.length === 0) return 'new';
  return seen.some(([, id]) => id === eventId) ? 'repeated' : 'reused-with-other-payload';
}
