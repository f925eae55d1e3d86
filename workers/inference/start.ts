// The inference worker: requests from the bus, through the models, to their results in the log.

import { setTimeout as timer } from 'node:timers/promises';
import { CANCELLATIONS, type CancellationMessage, WORKLOAD, type WorkloadMessage } from '#events/live.ts';
import type { Standing } from '#events/standing.ts';
import { TOPICS } from '#events/streams.ts';
import type { Bus } from '#platform/bus/bus.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import type { ModelHost } from '#platform/model-host/model-host.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { createAttempts } from './attempts.ts';
import { createInferenceConsumer } from './consume.ts';
import { createDispatcher } from './dispatcher.ts';
import type { Job } from './job.ts';
import { createModelSpecs } from './model-spec.ts';
import { createResultRecorder, type Outcome } from './record-result.ts';
import { createBatchRunner } from './run-batch.ts';

export const GROUP = 'workers.inference';
const MAX_BATCH = 512;
/** How long a stop waits for what is running; the rest is delivered again after the next start. */
const DRAIN_MS = 5_000;
/** And then for their results to be recorded. */
const RECORD_MS = 1_000;
/** How often the APIs are told how much there is to do. */
const WORKLOAD_MS = 100;

const sleep = (ms: number) => timer(ms, undefined, { ref: false });

export interface InferenceWorkerOptions {
  readonly store: EventStore;
  readonly bus: Bus;
  readonly readStore: ReadStore;
  readonly contents: Contents;
  readonly standings: Standings<Standing>;
  readonly live: LiveChannel;
  readonly host: ModelHost;
  readonly readSecret: (secretId: string, tenantId: string) => Promise<string | undefined>;
  readonly environment: (name: string) => string | undefined;
  readonly allowPrivateUpstreams: boolean;
  readonly now: () => number;
  readonly log: Log;
}

export async function startInferenceWorker(options: InferenceWorkerOptions) {
  const { store, bus, contents, standings, live, host, now, log } = options;
  const stopping = new AbortController();
  const recordResult = createResultRecorder({ store, contents, live, log });
  const specOf = createModelSpecs(options);
  const recording = new Set<Promise<void>>();
  let fail: (error: Error) => void;
  const failed = new Promise<Error>((resolve) => (fail = resolve));

  const record = (event: Job['event'], id: string, outcome: Outcome, ended: () => void) => {
    const work = recordResult(event, id, outcome, stopping.signal)
      .then(ended, (err: unknown) => {
        if (!stopping.signal.aborted) fail(err instanceof Error ? err : new Error(String(err)));
      })
      .finally(() => recording.delete(work));
    recording.add(work);
  };

  const runBatch = createBatchRunner({
    host,
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

  const consumer = createInferenceConsumer({
    store,
    contents,
    standings,
    attempts: createAttempts(options.readStore, log),
    now,
    suspectUpTo: await store.head(),
    submit: (job) => dispatcher.submit(job),
    refuse: (event, id, error, attempt, ended) =>
      record(event, id, { result: { ok: false, error }, startedAt: now(), attempt }, ended),
  });

  const unsubscribe = live.subscribe(CANCELLATIONS, ({ value }) => {
    consumer.cancel((value as CancellationMessage).inferenceId);
  });
  const subscription = await bus.consume({
    group: GROUP,
    topics: [TOPICS.inference],
    maxBatch: MAX_BATCH,
    handle: (batch, ack) => consumer.handle(batch, ack),
  });

  const sayWorkload = async () => {
    const models = consumer.outstanding();
    const taken = [...models.values()].reduce((sum, count) => sum + count, 0);
    const newest = consumer.newest();
    // What has not been taken yet, and what is no request among it: an upper bound.
    const waiting = newest === 0n ? await subscription.lag() : Number((await store.head()) - newest);
    const message: WorkloadMessage = { outstanding: taken + waiting, models: Object.fromEntries(models) };
    live.publish(WORKLOAD, message, { keep: false });
  };
  const workload = setInterval(() => {
    sayWorkload().catch((err: unknown) => log.warn({ err }, 'the workload could not be told'));
  }, WORKLOAD_MS);

  return {
    failed: Promise.race([failed, subscription.failed]),
    lag: () => subscription.lag(),
    caughtUp: () => subscription.caughtUp(),
    async stop() {
      clearInterval(workload);
      unsubscribe();
      consumer.stop();
      await Promise.race([dispatcher.stop(), sleep(DRAIN_MS)]);
      await Promise.race([Promise.allSettled(recording), sleep(RECORD_MS)]);
      await consumer.absolve();
      stopping.abort();
      await subscription.stop();
    },
  };
}
