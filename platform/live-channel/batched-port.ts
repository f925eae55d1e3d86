// Items between two threads over a MessagePort: those of one round of the event loop travel as one message. The receiver
// acknowledges what it took in; while too much is unacknowledged, items that may be lost are. So a thread that hangs
// costs the others a bounded amount of memory.

import type { MessagePort } from 'node:worker_threads';

/** Unacknowledged characters at which items are dropped, and how many the receiver takes before it acknowledges. */
const MOST_UNACKNOWLEDGED = 33_554_432;
const ACKNOWLEDGE_AFTER = 1_048_576;

interface Batch {
  readonly items: readonly unknown[];
  /** What the items weigh. */
  readonly weight: number;
  readonly acknowledged: number;
}

export interface BatchedPort<Out> {
  /** `weight`: about its characters, when it may be lost; an item without is never dropped. Answers whether it goes. */
  post(item: Out, weight?: number): boolean;
  /** Sends now what waits. */
  flush(): void;
  close(): void;
}

export function openBatchedPort<Out>(options: {
  readonly port: MessagePort;
  /** All items of one message, in order. */
  readonly receive: (items: readonly unknown[]) => void;
  /** The other side is gone. */
  readonly closed: () => void;
}): BatchedPort<Out> {
  const { port } = options;
  let waiting: Out[] = [];
  let weight = 0;
  let unacknowledged = 0;
  let received = 0;
  let open = true;

  const flush = () => {
    if (!open || (waiting.length === 0 && received < ACKNOWLEDGE_AFTER)) return;
    const batch: Batch = { items: waiting, weight, acknowledged: received };
    unacknowledged += weight;
    waiting = [];
    weight = 0;
    received = 0;
    port.postMessage(batch);
  };

  port.on('message', (batch: Batch) => {
    unacknowledged -= batch.acknowledged;
    received += batch.weight;
    options.receive(batch.items);
    flush();
  });
  port.on('close', () => {
    if (open) options.closed();
    open = false;
  });
  port.unref();

  return {
    post(item, itemWeight = 0) {
      if (!open || (itemWeight > 0 && unacknowledged + weight + itemWeight > MOST_UNACKNOWLEDGED)) return false;
      if (waiting.length === 0) setImmediate(flush);
      waiting.push(item);
      weight += itemWeight;
      return true;
    },
    flush,
    close() {
      flush();
      open = false;
      port.close();
    },
  };
}
