// Decides when a model's waiting work becomes a run: at once while the model is idle, else when a batch is full or the
// oldest item has waited long enough. While a run goes on the next batch gathers, so batches grow with the load.

import { createFairQueue, type FairQueue, type QueuedItem } from './fair-queue.ts';

export interface ModelLimits {
  readonly maxBatch: number;
  readonly maxDelayMs: number;
  /** Items in runs at the same time, at most. */
  readonly capacity: number;
}

export interface DispatchedItem extends QueuedItem {
  /** Names the model; limits and capacity are per model. */
  readonly modelKey: string;
}

export interface DispatcherOptions<Item extends DispatchedItem> {
  readonly limitsOf: (item: Item) => ModelLimits;
  /** Resolves when the model is done with the batch; must not reject. */
  readonly run: (batch: readonly Item[]) => Promise<void>;
}

interface Lane<Item extends DispatchedItem> {
  readonly queue: FairQueue<Item>;
  limits: ModelLimits;
  running: number;
  timer: NodeJS.Timeout | undefined;
  pumping: NodeJS.Immediate | undefined;
  due: boolean;
}

export interface Dispatcher<Item> {
  submit(item: Item): void;
  /** Items waiting or running. */
  outstanding(): number;
  /** Drops what waits (it will be delivered again) and resolves when the runs have ended. */
  stop(): Promise<void>;
}

export function createDispatcher<Item extends DispatchedItem>(options: DispatcherOptions<Item>): Dispatcher<Item> {
  const lanes = new Map<string, Lane<Item>>();
  const runs = new Set<Promise<void>>();
  let stopped = false;

  const start = (modelKey: string, lane: Lane<Item>) => {
    const batch = lane.queue.take(Math.min(lane.limits.maxBatch, lane.limits.capacity - lane.running));
    lane.running += batch.length;
    const run = options.run(batch).finally(() => {
      lane.running -= batch.length;
      runs.delete(run);
      pump(modelKey, lane);
    });
    runs.add(run);
  };

  const pump = (modelKey: string, lane: Lane<Item>) => {
    if (stopped) return;
    const { maxBatch, maxDelayMs, capacity } = lane.limits;
    while (lane.queue.size() > 0 && lane.running < capacity) {
      if (lane.running > 0 && lane.queue.size() < maxBatch && !lane.due) break;
      lane.due = false;
      start(modelKey, lane);
    }
    if (lane.queue.size() === 0) {
      clearTimeout(lane.timer);
      lane.timer = undefined;
      lane.due = false;
      if (lane.running === 0 && lanes.get(modelKey) === lane) lanes.delete(modelKey);
    } else if (lane.running < capacity) {
      lane.timer ??= setTimeout(() => {
        lane.timer = undefined;
        lane.due = true;
        pump(modelKey, lane);
      }, maxDelayMs);
    }
  };

  return {
    submit(item) {
      const limits = options.limitsOf(item);
      const lane = lanes.get(item.modelKey) ?? {
        queue: createFairQueue<Item>(),
        limits,
        running: 0,
        timer: undefined,
        pumping: undefined,
        due: false,
      };
      lane.limits = limits;
      lanes.set(item.modelKey, lane);
      lane.queue.push(item);
      // What is submitted in one round of the event loop makes one batch, though each is prepared by itself.
      lane.pumping ??= setImmediate(() => {
        lane.pumping = undefined;
        pump(item.modelKey, lane);
      });
    },
    outstanding: () => [...lanes.values()].reduce((sum, lane) => sum + lane.queue.size() + lane.running, 0),
    async stop() {
      stopped = true;
      for (const lane of lanes.values()) clearTimeout(lane.timer);
      while (runs.size > 0) await Promise.all(runs);
    },
  };
}
