import { expect } from 'chai';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { ModelHost } from '#platform/model-host/model-host.ts';
import { ModelLoadError, type ModelSpec, type RunResult } from '#platform/model-host/model-runtime.ts';
import type { Job } from '../../workers/inference/job.ts';
import type { ModelHealth } from '../../workers/inference/model-health.ts';
import { createBatchRunner } from '../../workers/inference/run-batch.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const NOW = 1_000_000;
const spec: ModelSpec = { key: 'platform/m', revision: 0, runtime: 'tensorflow', source: 'm', options: {} };
const live: LiveChannel = {
  publish: () => undefined,
  subscribe: () => () => undefined,
  recent: async () => [],
  close: async () => undefined,
};

const job = (id: string, leftMs: number, signal = new AbortController().signal) =>
  ({
    id,
    open: () => Promise.resolve(id),
    parameters: {},
    attempt: 1,
    modelKey: 'platform/m',
    signal,
    event: { metadata: {} },
    request: { deadline: NOW + leftMs },
    model: { definition: { task: 'classification', timeoutMs: 60_000 } },
  }) as unknown as Job;

/** What is recorded of each job, by its id. */
async function runBatch(
  jobs: readonly Job[],
  host: Pick<ModelHost, 'run'>,
  specOf = async () => spec,
  health: ModelHealth = { ran: () => undefined },
) {
  const recorded = new Map<string, RunResult>();
  const run = createBatchRunner({
    host,
    specOf,
    live,
    now: () => NOW,
    log: createQuietLog(),
    record: ({ id }, { result }) => recorded.set(id, result),
    signal: new AbortController().signal,
    health,
    retry: () => expect.fail('nothing is to be retried'),
    fail: (error) => expect.fail(error.message),
  });
  await run(jobs);
  return recorded;
}

const ok: RunResult = { ok: true, output: 'fine', usage: { inputTokens: 1, outputTokens: 0 } };
const cancelled: RunResult = { ok: false, error: { code: 'cancelled', message: '', retriable: false } };

/** As the port says: an item whose signal aborts ends early, the others go on until it has. */
const hostUntilAborted = (id: string): { readonly host: Pick<ModelHost, 'run'>; readonly deadlines: number[] } => {
  const deadlines: number[] = [];
  const run: ModelHost['run'] = async (_, items, { deadlineMs, signals }) => {
    deadlines.push(deadlineMs);
    const signal = signals?.get(id);
    await new Promise<void>((resolve) => {
      if (signal?.aborted) resolve();
      else signal?.addEventListener('abort', () => resolve());
    });
    return items.map((item) => (signals?.get(item.id)?.aborted ? cancelled : ok));
  };
  return { host: { run }, deadlines };
};

describe('a batch', () => {
  it('ends a request at its own deadline and lets the others go on', async () => {
    const { host, deadlines } = hostUntilAborted('late');
    const recorded = await runBatch([job('late', 40), job('past', -1), job('fresh', 100_000)], host);
    expect(deadlines).to.deep.equal([60_000]);
    expect(recorded.get('fresh')).to.deep.equal(ok);
    expect(recorded.get('late')).to.have.nested.property('error.code', 'timeout');
    expect(recorded.get('past')).to.have.nested.property('error.code', 'timeout');
  });

  it('runs no longer than its last deadline', async () => {
    const deadlines: number[] = [];
    const run: ModelHost['run'] = async (_, items, { deadlineMs }) => {
      deadlines.push(deadlineMs);
      return items.map(() => ok);
    };
    await runBatch([job('a', 400), job('b', 700)], { run });
    expect(deadlines).to.deep.equal([700]);
  });

  it('says cancelled of a request that was', async () => {
    const controller = new AbortController();
    controller.abort();
    const { host } = hostUntilAborted('gone');
    const recorded = await runBatch([job('gone', 5, controller.signal), job('fresh', 100_000)], host);
    expect(recorded.get('gone')).to.deep.equal(cancelled);
    expect(recorded.get('fresh')).to.deep.equal(ok);
  });

  it('tells the caller what is wrong with the model, and nothing of the inside', async () => {
    const host: Pick<ModelHost, 'run'> = { run: () => Promise.reject(new Error('not reached')) };
    const failing = (error: Error) =>
      runBatch([job('a', 100_000)], host, async () => {
        throw error;
      });
    const inside = await failing(Object.assign(new Error('EIO: /var/lib/secret'), { code: 'EIO' }));
    expect(inside.get('a')).to.deep.equal({
      ok: false,
      error: { code: 'run-failed', message: 'the model could not be run', retriable: false },
    });
    const told = await failing(new ModelLoadError('its credential is gone'));
    expect(told.get('a')).to.have.nested.property('error.message', 'its credential is gone');
  });

  it('says of its model how it went', async () => {
    const verdicts: unknown[] = [];
    const health: ModelHealth = { ran: (_, verdict) => void verdicts.push(verdict) };
    const answering = (result: RunResult) => ({ run: async () => [result] });
    const timedOut: RunResult = { ok: false, error: { code: 'timeout', message: '', retriable: true } };
    await runBatch([job('a', 100_000)], answering(ok), undefined, health);
    await runBatch([job('a', 100_000)], answering(timedOut), undefined, health);
    await runBatch([job('a', 50)], answering(timedOut), undefined, health);
    const gone = () => Promise.reject(new ModelLoadError('its credential is gone'));
    await runBatch([job('a', 100_000)], answering(ok), gone, health);
    expect(verdicts).to.deep.equal(['well', { failure: 'timeout' }, undefined, { failure: 'model-load-failed' }]);
  });
});
