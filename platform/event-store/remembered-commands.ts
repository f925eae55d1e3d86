// A command with an Idempotency-Key is recognised by the last commands that its stream took: each event names the command
// that led to it, and its id is derived from the command's body too.

import type { NewEvent } from '#events/envelope.ts';

/** Commands remembered per stream; a retry comes within minutes, so this covers it. */
const REMEMBERED = 100;

export interface RememberedCommand {
  readonly commandId: string;
  /** Of the events that it led to in this stream. */
  readonly eventIds: readonly string[];
}

/** A command that may be sent again: its id, and the id of an event that it leads to, derived from its body. */
export interface RepeatableCommand {
  readonly commandId: string;
  readonly eventId: string;
}

export class CommandMemory {
  readonly #known = new Map<string, readonly string[]>();

  constructor(commands: readonly RememberedCommand[] = []) {
    for (const { commandId, eventIds } of commands) this.#known.set(commandId, eventIds);
  }

  /** To be told each event of the stream in order. */
  take({ id, metadata }: Pick<NewEvent, 'id' | 'metadata'>): void {
    const commandId = metadata.$causationId;
    const before = this.#known.get(commandId) ?? [];
    this.#known.delete(commandId);
    this.#known.set(commandId, [...before, id]);
    if (this.#known.size <= REMEMBERED) return;
    for (const [oldest] of this.#known) {
      this.#known.delete(oldest);
      return;
    }
  }

  recognise({ commandId, eventId }: RepeatableCommand): 'new' | 'repeated' | 'reused' {
    const eventIds = this.#known.get(commandId);
    if (!eventIds) return 'new';
    return eventIds.includes(eventId) ? 'repeated' : 'reused';
  }

  /** The oldest first. */
  list(): RememberedCommand[] {
    return [...this.#known].map(([commandId, eventIds]) => ({ commandId, eventIds }));
  }
}
