// The inference worker: requests from the bus, through the models, to their results in the log.

import { snapshotShapeOf } from '#events/aggregates.ts';
import { inferences } from '#events/inference.ts';
import { CANCELLATIONS, type CancellationMessage, WORKLOAD, type WorkloadMessage } from '#events/live.ts';
import type { Standing } from '#events/standing.ts';
import { asError, isTransient } from '#platform/errors.ts';
import { persist } from '#platform/patience/persist.ts';
import type { Bus } from '#platform/bus/bus.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { createSnapshots } from '#platform/event-store/snapshots.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import { newId } from '#platform/new-id.ts';
import type { ModelHost } from '#platform/model-host/model-host.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { createOwnAttempts } from './attempts.ts';
import { createInferenceConsumer } from './consume.ts';
import { createModelHealth } from './model-health.ts';
import { createDispatcher } from './dispatcher.ts';
import type { Job } from './job.ts';
import { createModelSpecs } from './model-spec.ts';
import { createResultRecorder, type Outcome } from './record-result.ts';
import { createBatchRunner } from './run-batch.ts';
import { GROUP } from './service.ts';
import { openClaimedAttempts } from './claimed-attempts.ts';
import { atMost } from '#platform/patience/within.ts';

const MAX_BATCH = 512;
/** How long a stop waits for what is running; the rest is delivered again after the next start. */
const DRAIN_MS = 5_000;
/** And then for their results to be recorded. */
const RECORD_MS = 1_000;
/** How often the APIs are told how much there is to do. */
const WORKLOAD_MS = 100;
/** Where each message goes over the network, to every API. */
const SHARED_WORKLOAD_MS = 500;

export interface InferenceWorkerOptions {
  readonly store: EventStore;
  readonly bus: Bus;
  readonly readStore: ReadStore;
  /** Whether other processes take requests of the same group: runs are then claimed in the read store. */
  readonly shared: boolean;
  readonly contents: Contents;
  readonly standings: Standings<Standing>;
  readonly live: LiveChannel;
  readonly host: ModelHost;
  readonly readSecret: (secretId: string, tenantId: string) => Promise<string | undefined>;
  readonly environment: (name: string) => string | undefined;
  readonly allowPrivateUpstreams: boolean;
  /** Requests that it may have at once. */
  readonly window: number;
  readonly now: () => number;
  readonly log: Log;
}

/** What a server is asked that is away now: again, until it answers. What no waiting mends is thrown. */
const createPatience =
  (signal: AbortSignal, log: Log) =>
  <T>(work: () => Promise<T>): Promise<T> =>
    persist(
      work,
      signal,
      (err, attempt) => log.warn({ err, attempt }, 'what a request needs cannot be read, trying again'),
      { isHopeless: (err) => !isTransient(err) },
    );

export async function startInferenceWorker(options: InferenceWorkerOptions) {
  const { store, bus, contents, standings, live, host, window, now, log } = options;
  const stopping = new AbortController();
  const recordResult = createResultRecorder({ store, contents, live, log });
  const patiently = createPatience(stopping.signal, log);
  const known = { get: (streams: readonly string[]) => patiently(() => standings.get(streams)) };
  const specOf = createModelSpecs({
    ...options,
    standings: known,
    readSecret: (secretId, tenantId) => patiently(() => options.readSecret(secretId, tenantId)),
  });
  const recording = new Set<Promise<void>>();
  let fail: (error: Error) => void;
  const failed = new Promise<Error>((resolve) => (fail = resolve));

  const record = (event: Job['event'], id: string, outcome: Outcome, ended: () => void) => {
    const work = recordResult(event, id, outcome, stopping.signal)
      .then(ended, (err: unknown) => {
        if (!stopping.signal.aborted) fail(asError(err));
      })
      .finally(() => recording.delete(work));
    recording.add(work);
  };

  const snapshots = createSnapshots(options.readStore, snapshotShapeOf, log);
  const runBatch = createBatchRunner({
    host,
    health: createModelHealth({ store, snapshots, log, signal: stopping.signal }),
    signal: stopping.signal,
    fail: (error) => fail(error),
    specOf: (job) => specOf(job.model),
    live,
    now,
    log,
    record: (job, outcome) => record(job.event, job.id, outcome, job.ended),
    retry: (job) => {
      const attempt = job.attempt + 1;
      dispatcher.submit({ ...job, attempt, batchKey: `alone:${job.id}` });
    },
  });

  const dispatcher = createDispatcher<Job>({
    limitsOf: ({ model: { definition } }) => ({
      maxBatch: definition.maxBatch,
      maxDelayMs: definition.maxDelayMs,
      // A classifier computes one batch while the next is on its way to it; others interleave what they are given.
      capacity: definition.task === 'classification' ? definition.maxBatch * 2 : definition.maxBatch,
    }),
    run: runBatch,
  });

  const worker = newId();
  const { readStore } = options;
  const attempts = options.shared
    ? await openClaimedAttempts({ readStore, worker, log, signal: stopping.signal })
    : createOwnAttempts(readStore, log);
  const consumer = createInferenceConsumer({
    store: { readStream: (stream, range) => patiently(() => store.readStream(stream, range)) },
    contents,
    standings: known,
    attempts,
    now,
    window,
    head: () => patiently(() => store.head()),
    fail: (error) => fail(error),
    submit: (job) => dispatcher.submit(job),
    refuse: (event, id, error, attempt, ended) =>
      record(event, id, { result: { ok: false, error }, startedAt: now(), attempt }, ended),
  });

  const unsubscribe = live.subscribe(CANCELLATIONS, ({ value }) => {
    consumer.cancel((value as CancellationMessage).inferenceId);
  });
  const subscription = await bus.consume({
    group: GROUP,
    topics: [inferences.topic],
    maxBatch: MAX_BATCH,
    mostOpen: window + MAX_BATCH,
    assigned: (partitions) => consumer.assigned(partitions),
    handle: (batch, ack) => consumer.handle(batch, ack),
  });

  const sayWorkload = () => {
    const message: WorkloadMessage = { worker, ...consumer.workload() };
    live.publish(WORKLOAD, message, { keep: false });
  };
  const workload = setInterval(sayWorkload, options.shared ? SHARED_WORKLOAD_MS : WORKLOAD_MS);

  return {
    failed: Promise.race([failed, subscription.failed]),
    lag: () => subscription.lag(),
    caughtUp: () => subscription.caughtUp(),
    async stop() {
      clearInterval(workload);
      unsubscribe();
      consumer.stop();
      await atMost(DRAIN_MS, dispatcher.stop());
      await atMost(RECORD_MS, Promise.allSettled(recording));
      await consumer.absolve();
      stopping.abort();
      await attempts.close();
      await subscription.stop();
    },
  };
}
