// What is encoded and waits to be written: filled while a transaction runs, emptied by the next. With little to do a batch
// is one event, without waiting for more; under load it is as large as the target takes.

import { createBell } from '#platform/patience/bell.ts';
import type { EncodedEvent, RelayLimits } from '#platform/relay/relay-target.ts';
import { createFifo } from '#platform/fifo.ts';

export interface BatchQueue {
  push(events: readonly EncodedEvent[]): void;
  /** Resolves when there is room for more, or the queue is closed. */
  room(): Promise<void>;
  /** No more will come: `take` answers undefined, or rejects with the error, once all is taken. */
  end(error?: unknown): void;
  /** What waits, in order, up to the limits; waits for a first event. */
  take(): Promise<readonly EncodedEvent[] | undefined>;
  /** At once, whatever still waits: `take` answers undefined. */
  close(): void;
}

/** So many batches wait at most, and a slice more. */
const WAITING_BATCHES = 2;

export function createBatchQueue({ maxEvents, maxBytes, maxPartitionBytes }: RelayLimits): BatchQueue {
  const filled = createBell();
  const emptied = createBell();
  const waiting = createFifo<EncodedEvent>();
  let waitingBytes = 0;
  let ended = false;
  let failure: unknown;
  let closed = false;

  function cut(): readonly EncodedEvent[] {
    const sizes = new Map<string, number>();
    let count = 0;
    let total = 0;
    for (const { topic, partition, bytes } of waiting) {
      const place = `${topic}/${partition}`;
      const size = (sizes.get(place) ?? 0) + bytes;
      // A first event larger than the limits is for the target to take or refuse.
      if (count === maxEvents || (count > 0 && (size > maxPartitionBytes || total + bytes > maxBytes))) break;
      sizes.set(place, size);
      total += bytes;
      count += 1;
    }
    const batch = waiting.take(count);
    waitingBytes -= total;
    emptied.ring();
    return batch;
  }

  const isTooMuch = () => waiting.size >= WAITING_BATCHES * maxEvents || waitingBytes >= WAITING_BATCHES * maxBytes;
  const isFull = () => !closed && isTooMuch();
  const isDry = () => !closed && !ended && waiting.size === 0;

  return {
    push(events) {
      for (const event of events) {
        waiting.push(event);
        waitingBytes += event.bytes;
      }
      filled.ring();
    },
    async room() {
      while (isFull()) await emptied.wait();
    },
    end(error) {
      ended = true;
      failure = error;
      filled.ring();
    },
    async take() {
      while (isDry()) await filled.wait();
      if (closed) return undefined;
      if (waiting.size > 0) return cut();
      if (failure !== undefined) throw failure;
      return undefined;
    },
    close() {
      closed = true;
      filled.ring();
      emptied.ring();
    },
  };
}
