// One member of a consumer group on the embedded bus: reads the log from the lowest of the group's positions, drops what
// each partition is past, and hands the rest over in batches.

import type { RecordedEvent } from '#events/envelope.ts';
import { LogIsNewer } from '../event-store/event-store.ts';
import type { Log } from '../logging/log.ts';
import { backOff, pause } from '../patience/back-off.ts';
import { Interrupted, persist } from '../patience/persist.ts';
import { asError, isFinal } from '../errors.ts';
import { createBell } from '../patience/bell.ts';
import { type Consumer, type ConsumerOptions, type Delivery, MOST_OPEN } from './bus.ts';
import type { Positions } from '../positions.ts';
import { startCheckpointKeeper } from './checkpoint-keeper.ts';
import type { DeliveryOrder } from './delivery-order.ts';
import { createGroupProgress, type GroupProgress, type OpenDelivery } from './group-progress.ts';

/** Events that are read to count them. */
const COUNTED = 256;

export interface LogConsumerParts {
  /** `passed` is told up to which event nothing more is this group's. */
  readonly subscribe: (
    after: bigint,
    signal: AbortSignal,
    passed: (position: bigint) => void,
  ) => AsyncIterable<readonly RecordedEvent[]>;
  readonly readAll: (after: bigint, limit: number) => Promise<readonly RecordedEvent[]>;
  readonly head: () => Promise<bigint>;
  readonly topicOf: (stream: string) => string | undefined;
  readonly partitionOf: (topic: string, stream: string) => number;
  readonly partitions: number;
  readonly load: () => Promise<Positions>;
  /** Absent for a group that keeps its positions itself. */
  readonly save: ((positions: Positions) => Promise<void>) | undefined;
  /** Resolves when this member may work; see group-turns.ts. */
  readonly takeTurn: (signal: AbortSignal) => Promise<() => void>;
  readonly createOrder: () => DeliveryOrder;
  readonly log: Log;
}

export function startLogConsumer(parts: LogConsumerParts, options: ConsumerOptions): Consumer {
  const { group, topics, maxBatch, mostOpen = MOST_OPEN } = options;
  const { log } = parts;
  const stopping = new AbortController();
  const arrived = createBell();
  const room = createBell();
  const failure = Promise.withResolvers<Error>();
  let progress: GroupProgress | undefined;
  let headAtStart: bigint | undefined;
  const density = createDensity();

  const { save } = parts;
  const keeper = save
    ? startCheckpointKeeper(async () => progress && (await save(progress.positions())), log, group)
    : undefined;

  function takeIn(event: RecordedEvent, mine: GroupProgress, order: DeliveryOrder) {
    const topic = parts.topicOf(event.stream);
    if (topic === undefined) {
      throw new LogIsNewer(`the log is newer than this program: it has no topic for stream ${event.stream}`);
    }
    if (topics.includes(topic)) {
      const delivery = mine.read(event, topic, parts.partitionOf(topic, event.stream));
      if (delivery) order.add(delivery);
    }
    mine.readTo(event.position);
    density.saw(event.position);
  }

  /** Reads until aborted. A subscription that drops is taken up again where it was; only what no retry mends is thrown. */
  async function read(mine: GroupProgress, order: DeliveryOrder, signal: AbortSignal): Promise<void> {
    const passed = (position: bigint) => {
      mine.readTo(position);
      keeper?.passed();
    };
    for (let drops = 0; !signal.aborted;) {
      try {
        for await (const events of parts.subscribe(mine.position, signal, passed)) {
          for (const event of events) takeIn(event, mine, order);
          drops = 0;
          arrived.ring();
          keeper?.passed();
          while (!signal.aborted && (order.waiting >= 4 * maxBatch || mine.open >= mostOpen + maxBatch))
            await room.wait();
          if (signal.aborted) return;
        }
        if (signal.aborted) return;
        log.warn({ group }, 'the subscription to the log ended, and is taken up again');
      } catch (err) {
        if (signal.aborted) return;
        if (isFinal(err)) throw err;
        log.warn({ err, group }, 'the subscription to the log dropped, and is taken up again');
      }
      await pause(backOff(++drops), signal);
    }
  }

  /** Hands over until stopped (answers false) or broken off by the order of delivery (answers true). */
  async function deliver(mine: GroupProgress, order: DeliveryOrder, readFailure: () => unknown): Promise<boolean> {
    const acknowledge = (delivery: Delivery) => {
      mine.acknowledge(delivery as OpenDelivery);
      keeper?.acknowledged();
      room.ring();
    };
    while (!stopping.signal.aborted) {
      const batch = order.take(maxBatch);
      if (batch.length > 0) {
        room.ring();
        await options.handle(batch, acknowledge);
        if (order.breaksOff()) return true;
      } else if (readFailure() !== undefined) {
        throw readFailure();
      } else {
        await arrived.wait();
      }
    }
    return false;
  }

  async function session(): Promise<boolean> {
    const patiently = <T>(work: () => Promise<T>) =>
      persist(work, stopping.signal, (err) => log.warn({ err, group }, 'a consumer cannot start yet, and tries again'));
    const mine = createGroupProgress(topics, parts.partitions, await patiently(parts.load));
    headAtStart ??= await patiently(parts.head);
    await options.assigned?.([...mine.positions().keys()]);
    progress = mine;
    const order = parts.createOrder();
    const reading = new AbortController();
    let readFailure: unknown;
    const reader = read(mine, order, reading.signal).catch((err: unknown) => {
      readFailure = err ?? new Error('reading the log failed');
      arrived.ring();
    });
    try {
      return await deliver(mine, order, () => readFailure);
    } finally {
      reading.abort();
      room.ring();
      await reader;
    }
  }

  async function run(): Promise<void> {
    const endTurn = await parts.takeTurn(stopping.signal);
    try {
      let again = !stopping.signal.aborted;
      while (again) again = await session();
    } catch (err) {
      if (err instanceof Interrupted) return;
      log.error({ err, group }, 'a consumer stopped by itself');
      failure.resolve(asError(err));
    } finally {
      await keeper?.close();
      endTurn();
    }
  }

  /** Counted where nothing that was read tells how far apart events are: positions may be bytes. */
  async function unread(position: bigint, head: bigint): Promise<number> {
    if (!density.known()) {
      const next = await parts.readAll(position, COUNTED);
      if (next.length < COUNTED) return next.length;
      for (const event of next) density.saw(event.position);
    }
    return density.eventsIn(head - position);
  }

  const running = run();
  let reached = false;
  return {
    failed: failure.promise,
    async lag() {
      const now = progress;
      const head = await parts.head();
      const position = now ? now.position : lowestOf(topics, parts.partitions, await parts.load());
      return (now?.open ?? 0) + (head > position ? await unread(position, head) : 0);
    },
    positions: () => progress?.positions() ?? new Map(),
    caughtUp() {
      if (!reached && progress && headAtStart !== undefined) reached = progress.lowest() >= headAtStart;
      return reached;
    },
    async stop() {
      stopping.abort();
      arrived.ring();
      room.ring();
      await running;
    },
  };
}

const lowestOf = (topics: readonly string[], partitions: number, positions: Positions) =>
  createGroupProgress(topics, partitions, positions).lowest();

/** How many events a stretch of the log holds: positions count events in one log and bytes in another. Learnt as it is read. */
function createDensity() {
  let first: bigint | undefined;
  let last = 0n;
  let steps = 0;
  return {
    saw(position: bigint) {
      if (first === undefined || position < last) {
        first = position;
        steps = 0;
      } else steps++;
      last = position;
    },
    known: () => steps > 0,
    eventsIn: (stretch: bigint) => Math.ceil((Number(stretch) * steps) / Number(last - (first ?? last))),
  };
}
