// Takes requests from the bus and hands them to the dispatcher. Never parks: whatever is wrong with a request
// becomes its end.

import type { WorkloadMessage } from '#events/live.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { type InferenceRequest, inferences } from '#events/inference.ts';
import { type Model, models } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import { subjectOf } from '#events/streams.ts';
import { type Delivery } from '#platform/bus/bus.ts';
import { partitionName } from '#platform/positions.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { RunError } from '#platform/model-host/model-runtime.ts';
import type { Standings } from '#platform/standing/standings.ts';
import type { Attempts } from './attempts.ts';
import { batchKeyOf, type Job, modelKeyOf } from './job.ts';
import { createModelRates } from './model-rates.ts';
import { MAX_ATTEMPTS } from './run-batch.ts';
import { createWaitingByModel } from './waiting-by-model.ts';
import { asError } from '#platform/errors.ts';

/** What can have been running when the process died, at most. */
const MOST_SUSPECTS = 1_024;

export interface ConsumeOptions {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly contents: Pick<Contents, 'open'>;
  readonly standings: Pick<Standings<Standing>, 'get'>;
  readonly attempts: Attempts;
  readonly now: () => number;
  /**
   * Requests taken from the bus and not yet ended, at most; beyond it the bus waits. As many as may be accepted
   * (command-api/admission.ts), because what waits for a slow model must not keep others from theirs.
   */
  readonly window: number;
  /** The position of the log's last event. */
  readonly head: () => Promise<bigint>;
  readonly submit: (job: Job) => void;
  /** Told what no request is to blame for, and no retry mends. */
  readonly fail: (error: Error) => void;
  /** Ends a request that no model is asked for. */
  readonly refuse: (
    event: RecordedEvent,
    inferenceId: string,
    error: RunError,
    attempt: number,
    ended: () => void,
  ) => void;
}

export interface InferenceConsumer {
  /** Before the first deliveries of these partitions: what is in the log by now may have been begun by another process. */
  assigned(partitions: readonly string[]): Promise<void>;
  handle(batch: readonly Delivery[], ack: (delivery: Delivery) => void): Promise<void>;
  cancel(inferenceId: string): void;
  /** What it was given and has not ended, and how fast that ends. Asked at regular times, between which it is measured. */
  workload(): Omit<WorkloadMessage, 'worker'>;
  /** Lets go of a batch that waits for room, and lets no suspect begin any more. */
  stop(): void;
  /** After the last run: what still had not ended is cut off by this stop, and is not to blame for it. */
  absolve(): Promise<void>;
}

interface Running {
  readonly modelKey: string;
  readonly tenantId: string;
  readonly controller: AbortController;
  /** One for each time the request was delivered while it ran. */
  readonly acks: (() => void)[];
  /** The number of its run, where that was recorded. */
  recorded?: number;
}

export function createInferenceConsumer(options: ConsumeOptions): InferenceConsumer {
  const { contents, now, submit, refuse, attempts, fail, window } = options;
  const running = new Map<string, Running>();
  const rates = createModelRates();
  const waiting = createWaitingByModel();
  const given = new Map<number, bigint>();
  const attemptOf = createAttemptLookup(options);
  /** Requests that were running in two deaths of the process: they run one at a time, so that only one is to blame. */
  const suspects: (() => void)[] = [];
  let trial: string | undefined;
  let room: (() => void) | undefined;
  let stopped = false;
  const isFull = () => running.size >= window && !stopped;

  const finish = (id: string, attempt: number) => {
    const entry = running.get(id);
    running.delete(id);
    if (entry) {
      rates.ended(entry.modelKey);
      waiting.add(entry.modelKey, entry.tenantId, -1);
    }
    for (const ack of entry?.acks ?? []) ack();
    if (running.size < window) room?.();
    if (attempt > 1 || attempts.recordsAll) attempts.forget(id);
    if (trial !== id) return;
    trial = undefined;
    tryNext();
  };

  const tryNext = () => {
    if (trial === undefined && !stopped) suspects.shift()?.();
  };

  const beginsOf = (id: string) => async (attempt: number) => {
    await attempts.record(id, attempt);
    const entry = running.get(id);
    if (entry) entry.recorded = attempt;
  };

  const begin = async (delivery: Delivery, id: string, model: Model | undefined, signal: AbortSignal) => {
    const { event } = delivery;
    const goOn = (attempt: NextAttempt) =>
      attempt === undefined ? finish(id, 0) : beginAttempt(event, id, model, signal, attempt);
    const next = await attemptOf.next(delivery, id);
    if (typeof next !== 'object') return goOn(next);
    // Others need not wait for it.
    next.later.then(goOn).catch((err: unknown) => {
      if (!stopped) fail(asError(err));
    });
  };

  const beginAttempt = (
    event: RecordedEvent,
    id: string,
    model: Model | undefined,
    signal: AbortSignal,
    attempt: number,
  ) => {
    const request = event.data as InferenceRequest;
    const ended = () => finish(id, attempt);
    const end = (code: string, message: string) =>
      refuse(event, id, { code, message, retriable: false }, attempt, ended);
    if (attempt > MAX_ATTEMPTS) return end('crashed', `the server died ${MAX_ATTEMPTS} times while this request ran`);
    if (!model) return end('model-retired', `the model ${request.model} is not registered any more`);
    if (request.deadline <= now()) return end('timeout', 'its deadline passed before it could run');
    const parameters = Object.entries(request.parameters).map(([name, text]) => [name, JSON.parse(text) as unknown]);
    const job: Job = {
      id,
      event,
      request,
      model,
      open: async () => contents.open(event.metadata.tenantId, request.input),
      parameters: Object.fromEntries(parameters) as Record<string, unknown>,
      attempt,
      tenantId: event.metadata.tenantId,
      modelKey: modelKeyOf(request),
      batchKey: batchKeyOf(request, attempt, id),
      signal,
      ended,
      ...((attempt > 1 || attempts.recordsAll) && { begins: beginsOf(id) }),
    };
    if (attempt < MAX_ATTEMPTS) return submit(job);
    suspects.push(() => {
      trial = id;
      submit(job);
    });
    tryNext();
  };

  return {
    workload() {
      const rateOf = rates.measure((modelKey) => waiting.models.has(modelKey));
      const models = [...waiting.models].map(([modelKey, byTenant]) => {
        const perSecond = rateOf(modelKey);
        const workload = { waiting: Object.fromEntries(byTenant), ...(perSecond !== undefined && { perSecond }) };
        return [modelKey, workload] as const;
      });
      const positions = [...given].map(([partition, position]) => [partition, String(position)] as const);
      return { models: Object.fromEntries(models), given: Object.fromEntries(positions) };
    },
    assigned: (partitions) => attemptOf.assigned(partitions),
    stop() {
      stopped = true;
      room?.();
    },
    async absolve() {
      const cutOff = [...running].flatMap(([id, { recorded }]) => (recorded === undefined ? [] : [{ id, recorded }]));
      await Promise.all(cutOff.map(({ id, recorded }) => attempts.record(id, recorded - 1)));
    },
    cancel: (inferenceId) => running.get(inferenceId)?.controller.abort(),
    async handle(batch, ack) {
      const models = await modelsOf(options.standings, batch);
      const begun: Promise<void>[] = [];
      for (const delivery of batch) {
        const { event, partition } = delivery;
        if (event.position > (given.get(partition) ?? -1n)) given.set(partition, event.position);
        if (event.type !== 'InferenceRequested') {
          ack(delivery);
          continue;
        }
        const id = subjectOf(event.stream);
        const already = running.get(id);
        if (already) {
          already.acks.push(() => ack(delivery));
          continue;
        }
        const controller = new AbortController();
        const modelKey = modelKeyOf(event.data as InferenceRequest);
        const { tenantId } = event.metadata;
        running.set(id, { modelKey, tenantId, controller, acks: [() => ack(delivery)] });
        waiting.add(modelKey, tenantId, 1);
        begun.push(begin(delivery, id, models.get(modelKey), controller.signal));
      }
      await Promise.all(begun);
      while (isFull()) await new Promise<void>((resolve) => (room = resolve));
    },
  };
}

/** undefined: it has ended. */
type NextAttempt = number | undefined;

/** Tells the attempt that a delivery is, or undefined when the request has ended already. */
function createAttemptLookup({ store, attempts, head }: ConsumeOptions) {
  /** By partition. Up to here requests may have been begun by another process; up to `newest` they have been delivered. */
  const progress = new Map<string, { readonly suspectUpTo: bigint; suspectsLeft: number; newest: bigint }>();

  const hasEnded = async ({ stream }: RecordedEvent) =>
    (await store.readStream(stream)).reduce(inferences.evolve, inferences.initial).status !== 'queued';

  return {
    async assigned(partitions: readonly string[]) {
      const suspectUpTo = await head();
      for (const name of partitions)
        progress.set(name, { suspectUpTo, suspectsLeft: MOST_SUSPECTS, newest: suspectUpTo });
    },
    async next(
      { event, topic, partition }: Delivery,
      id: string,
    ): Promise<NextAttempt | { later: Promise<NextAttempt> }> {
      const of = progress.get(partitionName(topic, partition));
      if (!of) throw new Error(`${topic}/${partition} was never assigned`);
      const isNew = event.position > of.newest;
      if (isNew) {
        // Later than the assignment: nobody else was given it before.
        of.newest = event.position;
        return 1;
      }
      if (await hasEnded(event)) return undefined;
      if (!attempts.recordsAll) {
        if (event.position > of.suspectUpTo || of.suspectsLeft === 0) return 1;
        of.suspectsLeft--;
      }
      const last = await attempts.last(id);
      if ('attempt' in last) return last.attempt + 1;
      const later = last.later.then(async (attempt) => ((await hasEnded(event)) ? undefined : attempt + 1));
      return { later };
    },
  };
}

async function modelsOf(standings: Pick<Standings<Standing>, 'get'>, batch: readonly Delivery[]) {
  const requests = batch.filter(({ event }) => event.type === 'InferenceRequested');
  const streams = new Map(
    requests.map(({ event }) => {
      const request = event.data as InferenceRequest;
      return [modelKeyOf(request), models.stream(request.modelOwner, request.model)] as const;
    }),
  );
  const found = await standings.get([...streams.values()]);
  return new Map(
    [...streams.keys()].map((key, i) => {
      const standing = found[i];
      return [
        key,
        standing?.of === 'model' && standing.state.status === 'registered' ? standing.state.model : undefined,
      ];
    }),
  );
}
