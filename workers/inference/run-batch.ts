// Runs one batch of requests that share a model and parameters, and records each one's end.

import type { InferenceMessage } from '#events/live.ts';
import { inferenceChannel } from '#events/live.ts';
import { Interrupted, persist } from '#platform/patience/persist.ts';
import { ERASED } from '#platform/content/content.ts';
import { asError, isStorageFault, isTransient } from '#platform/errors.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import type { ModelHost } from '#platform/model-host/model-host.ts';
import { ModelLoadError, type ModelSpec, type RunResult } from '#platform/model-host/model-runtime.ts';
import type { Job } from './job.ts';
import { type ModelHealth, verdictOf } from './model-health.ts';
import type { Outcome } from './record-result.ts';

/** A request whose model thread died is tried again this often, then fails: it may be the cause. */
export const MAX_ATTEMPTS = 3;

export interface RunBatchOptions {
  readonly host: Pick<ModelHost, 'run'>;
  readonly specOf: (job: Job) => Promise<ModelSpec>;
  readonly live: LiveChannel;
  readonly now: () => number;
  readonly log: Log;
  /** Takes each outcome; not awaited, so that the model can go on. */
  readonly record: (job: Job, outcome: Outcome) => void;
  readonly retry: (job: Job) => void;
  /** Told of each run. */
  readonly health: ModelHealth;
  /** Told when runs cannot be recorded before they begin: none may begin then. */
  readonly fail: (error: Error) => void;
  /** Aborts when the worker stops. */
  readonly signal: AbortSignal;
}

interface Opened {
  readonly job: Job;
  readonly input: unknown;
}

const failure = (code: string, message: string): RunResult => ({
  ok: false,
  error: { code, message, retriable: false },
});

/** How long the run may take, and what ends single items of it: a request near its deadline must not end the others. */
function createRunLimits(jobs: readonly [Job, ...Job[]], startedAt: number) {
  const leftOf = ({ request }: Job) => Math.max(1, request.deadline - startedAt);
  const deadlineMs = Math.min(jobs[0].model.definition.timeoutMs, Math.max(...jobs.map(leftOf)));
  const signals = jobs.map((job) => {
    const left = leftOf(job);
    const signal = left < deadlineMs ? AbortSignal.any([job.signal, AbortSignal.timeout(left)]) : job.signal;
    return [job.id, signal] as const;
  });
  return { deadlineMs, signals: new Map(signals) };
}

export function createBatchRunner(options: RunBatchOptions) {
  const { host, specOf, live, now, log, record, retry, health, fail, signal } = options;

  const finish = (job: Job, result: RunResult, startedAt: number) => {
    const { attempt } = job;
    if (result.ok || result.error.code !== 'runtime-crashed') return record(job, { result, startedAt, attempt });
    if (attempt < MAX_ATTEMPTS) return retry(job);
    record(job, { result: failure('crashed', `the model broke ${attempt} times on this request`), startedAt, attempt });
  };

  /** What is wrong with one request's content is that request's end; a failing disk is waited for. */
  const openInput = async (job: Job): Promise<{ readonly input: unknown } | RunResult> => {
    try {
      const input = await persist(
        job.open,
        signal,
        (err) => log.warn({ err, inferenceId: job.id }, 'a request could not be opened, trying again'),
        { isHopeless: (err) => !isTransient(err) && !isStorageFault(err) },
      );
      return input === ERASED ? failure('erased', 'its content has been erased') : { input };
    } catch (err) {
      if (err instanceof Interrupted) throw err;
      log.error({ err, inferenceId: job.id }, 'the content of a request cannot be read');
      return failure('content-unreadable', 'its content cannot be read');
    }
  };

  const run = async (all: readonly Job[]) => {
    const startedAt = now();
    const opened = await Promise.all(all.map(async (job) => ({ job, input: await openInput(job) })));
    for (const { job, input } of opened) if ('ok' in input) finish(job, input, startedAt);
    const ready = opened.flatMap(({ job, input }) => ('ok' in input ? [] : [{ job, input: input.input }]));
    const [one, ...others] = ready;
    if (one) await runOpened([one, ...others], startedAt);
  };

  const runOpened = async (ready: readonly [Opened, ...Opened[]], startedAt: number) => {
    const jobs: readonly [Job, ...Job[]] = [ready[0].job, ...ready.slice(1).map(({ job }) => job)];
    const [first] = jobs;
    const streams = first.model.definition.task !== 'classification';
    if (streams) for (const { id, attempt } of jobs) say(id, { type: 'started', attempt });
    const byId = new Map(jobs.map((job) => [job.id, job]));
    const limits = createRunLimits(jobs, startedAt);
    const results = await host.run(
      await specOf(first),
      ready.map(({ job, input }) => ({ id: job.id, input })),
      {
        parameters: first.parameters,
        ...limits,
        ...(streams && {
          onToken: (id: string, text: string) => say(id, { type: 'token', text, attempt: byId.get(id)?.attempt ?? 1 }),
        }),
      },
    );
    health.ran(first.model, verdictOf(results, limits.deadlineMs >= first.model.definition.timeoutMs));
    jobs.forEach((job, i) => {
      const result = results[i] ?? failure('no-result', 'the model gave no result');
      const late = !result.ok && result.error.code === 'cancelled' && !job.signal.aborted;
      finish(job, late ? failure('timeout', 'its deadline passed while it ran') : result, startedAt);
    });
  };

  const say = (id: string, message: InferenceMessage) => live.publish(inferenceChannel(id), message);

  /** Never rejects: whatever goes wrong is each request's outcome. */
  return async (jobs: readonly Job[]): Promise<void> => {
    try {
      await Promise.all(jobs.map(async (job) => job.begins?.(job.attempt)));
    } catch (err) {
      return fail(asError(err));
    }
    const startedAt = now();
    try {
      await run(jobs);
    } catch (err) {
      // Stopping: it will be delivered again.
      if (err instanceof Interrupted) return;
      const [first] = jobs;
      log.error({ err, model: first?.modelKey, correlationId: first?.event.metadata.$correlationId }, 'a run failed');
      // Only what is said of the model's definition is the caller's to read.
      const known = err instanceof ModelLoadError;
      const code = known ? err.code : 'run-failed';
      if (first && known) health.ran(first.model, { failure: code });
      const message = known ? err.message : 'the model could not be run';
      for (const job of jobs) finish(job, failure(code, message), startedAt);
    }
  };
}
