// How many appends may wait, and how much text they may hold, so that a log that stands still fills no memory.

import { type AppendRequest, requestSize } from './append-request.ts';
import { EventStoreBusy } from './event-store.ts';
import { finalError } from '../errors.ts';

/** The text of waiting appends, in UTF-16 units. */
const MOST_WAITING_TEXT = 64 * 1_048_576;

export class EventStoreClosed extends finalError('event-store-closed') {
  constructor() {
    super('the event store is closed');
  }
}

export interface AppendRoom {
  /** Throws `EventStoreClosed` once no more is taken in. */
  assertOpen(): void;
  /** Runs an append. Rejects with `EventStoreBusy`, before it has begun, when too much waits already. */
  hold<T>(request: AppendRequest, append: () => Promise<T>): Promise<T>;
  /** Takes nothing more in, and waits for what is under way. */
  close(): Promise<void>;
}

export function createAppendRoom(maxQueued: number): AppendRoom {
  const { promise: drained, resolve: drain } = Promise.withResolvers<void>();
  let waiting = 0;
  let waitingText = 0;
  let closed = false;
  return {
    assertOpen() {
      if (closed) throw new EventStoreClosed();
    },
    async hold(request, append) {
      const size = requestSize(request);
      if (waiting >= maxQueued || waitingText + size > MOST_WAITING_TEXT) {
        throw new EventStoreBusy(`${waiting} appends are waiting already`);
      }
      waiting += 1;
      waitingText += size;
      try {
        return await append();
      } finally {
        waiting -= 1;
        waitingText -= size;
        if (closed && waiting === 0) drain();
      }
    },
    async close() {
      closed = true;
      if (waiting > 0) await drained;
    },
  };
}
