// A command with an Idempotency-Key that changes an existing stream: has it happened, and how did things stand then? The
// answer to a repeat is the first answer, whatever has happened since.

import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import type { Written } from './acknowledge.ts';
import { keyReused } from './create-once.ts';
import type { CommandOrigin } from './origin.ts';

export interface Replay<State> {
  readonly before: State;
  readonly after: State;
  readonly written: Written;
}

/** Undefined when the command is new. Throws 422 when its key was used with another body. */
export async function findReplay<State>(
  store: Pick<EventStore, 'readStream'>,
  stream: string,
  decider: { readonly initial: State; readonly evolve: (state: State, event: RecordedEvent) => State },
  { repeatable, commandId, eventId }: Pick<CommandOrigin, 'repeatable' | 'commandId' | 'eventId'>,
): Promise<Replay<State> | undefined> {
  if (!repeatable) return undefined;
  let before = decider.initial;
  for (const event of await readWholeStream(store, stream)) {
    const after = decider.evolve(before, event);
    if (event.metadata.$causationId === commandId) {
      if (event.id !== eventId) throw keyReused();
      const { revision, position } = event;
      return { before, after, written: { stream, revision, position } };
    }
    before = after;
  }
  return undefined;
}
