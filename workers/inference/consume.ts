// Takes requests from the bus and hands them to the dispatcher. Never parks: whatever is wrong with a request
// becomes its end.

import { evolveInference, type InferenceRequest, initialInference } from '#events/inference.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import type { Model } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import { modelStream, subjectOf } from '#events/streams.ts';
import type { Delivery } from '#platform/bus/bus.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { RunError } from '#platform/model-host/model-runtime.ts';
import type { Standings } from '#platform/standing/standings.ts';
import type { Attempts } from './attempts.ts';
import { batchKeyOf, type Job, modelKeyOf } from './job.ts';
import { MAX_ATTEMPTS } from './run-batch.ts';

/**
 * Requests taken from the bus and not yet ended, at most; beyond it the bus waits. Wide, because requests that wait for a
 * slow model must not keep others from theirs; admission bounds what one model may have waiting (command-api/admission.ts).
 */
export const WINDOW = 8_000;
/** What can have been running when the process died, at most. */
const MOST_SUSPECTS = 1_024;

export interface ConsumeOptions {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly contents: Pick<Contents, 'open'>;
  readonly standings: Pick<Standings<Standing>, 'get'>;
  readonly attempts: Attempts;
  readonly now: () => number;
  /** Requests up to this position may have been begun by a process that died. */
  readonly suspectUpTo: bigint;
  readonly submit: (job: Job) => void;
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
  handle(batch: readonly Delivery[], ack: (delivery: Delivery) => void): Promise<void>;
  cancel(inferenceId: string): void;
  /** Requests taken and not yet ended, by model. */
  outstanding(): ReadonlyMap<string, number>;
  /** Of the newest event taken; 0n before the first. */
  newest(): bigint;
  /** Lets go of a batch that waits for room, and lets no suspect begin any more. */
  stop(): void;
  /** After the last run: what still had not ended is cut off by this stop, and is not to blame for it. */
  absolve(): Promise<void>;
}

interface Running {
  readonly modelKey: string;
  readonly controller: AbortController;
  /** One for each time the request was delivered while it ran. */
  readonly acks: (() => void)[];
  /** The number of its run, where that was recorded. */
  recorded?: number;
}

export function createInferenceConsumer(options: ConsumeOptions): InferenceConsumer {
  const { contents, now, submit, refuse, attempts } = options;
  const running = new Map<string, Running>();
  const attemptOf = createAttemptLookup(options);
  /** Requests that were running in two deaths of the process: they run one at a time, so that only one is to blame. */
  const suspects: (() => void)[] = [];
  let trial: string | undefined;
  let room: (() => void) | undefined;
  let stopped = false;
  let newest = 0n;
  const isFull = () => running.size >= WINDOW && !stopped;

  const finish = (id: string, attempt: number) => {
    const { acks } = running.get(id) ?? { acks: [] };
    running.delete(id);
    for (const ack of acks) ack();
    if (running.size < WINDOW) room?.();
    if (attempt > 1) attempts.forget(id);
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

  const begin = async (event: RecordedEvent, id: string, model: Model | undefined, signal: AbortSignal) => {
    const request = event.data as InferenceRequest;
    const attempt = await attemptOf(event, id);
    if (attempt === undefined) return finish(id, 1);
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
      open: () => contents.open(event.metadata, request.input),
      parameters: Object.fromEntries(parameters) as Record<string, unknown>,
      attempt,
      tenantId: event.metadata.tenantId,
      modelKey: modelKeyOf(request),
      batchKey: batchKeyOf(request, attempt, id),
      signal,
      ended,
      ...(attempt > 1 && { begins: beginsOf(id) }),
    };
    if (attempt < MAX_ATTEMPTS) return submit(job);
    suspects.push(() => {
      trial = id;
      submit(job);
    });
    tryNext();
  };

  return {
    outstanding() {
      const counts = new Map<string, number>();
      for (const { modelKey } of running.values()) counts.set(modelKey, (counts.get(modelKey) ?? 0) + 1);
      return counts;
    },
    newest: () => newest,
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
        const { event } = delivery;
        if (event.position > newest) newest = event.position;
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
        running.set(id, { modelKey, controller, acks: [() => ack(delivery)] });
        begun.push(begin(event, id, models.get(modelKey), controller.signal));
      }
      await Promise.all(begun);
      while (isFull()) await new Promise<void>((resolve) => (room = resolve));
    },
  };
}

/** The attempt that a delivery is, or undefined when the request has ended already. */
function createAttemptLookup({ store, attempts, suspectUpTo }: ConsumeOptions) {
  let suspectsLeft = MOST_SUSPECTS;
  let newest = suspectUpTo;
  return async (event: RecordedEvent, id: string): Promise<number | undefined> => {
    if (event.position > newest) {
      newest = event.position;
      return 1;
    }
    const events = await store.readStream(event.stream);
    if (events.reduce(evolveInference, initialInference).status !== 'queued') return undefined;
    if (event.position > suspectUpTo || suspectsLeft === 0) return 1;
    suspectsLeft--;
    return (await attempts.last(id)) + 1;
  };
}

async function modelsOf(standings: Pick<Standings<Standing>, 'get'>, batch: readonly Delivery[]) {
  const requests = batch.filter(({ event }) => event.type === 'InferenceRequested');
  const streams = new Map(
    requests.map(({ event }) => {
      const request = event.data as InferenceRequest;
      return [modelKeyOf(request), modelStream(request.modelOwner, request.model)] as const;
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
