import { expect } from 'chai';
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { startServiceThread, type ServiceThread } from '#platform/lifecycle/service-thread.ts';
import { supervise } from '#platform/lifecycle/supervise.ts';
import type { Logging } from '#platform/logging/open-logging.ts';
import { openLogging } from '#platform/logging/open-logging.ts';
import { createMetricsCollection, type MetricsCollection } from '#platform/metrics/metrics-collection.ts';
import { createThreadMetrics } from '#platform/metrics/thread-metrics.ts';
import { eventually } from '../support/eventually.ts';
import type { Wiring } from './service-thread-service.ts';

const module = new URL('./service-thread-service.ts', import.meta.url);
const rotation = { maxBytes: 1e6, files: 1, maxAgeMs: 1e9 };

describe('a service in a thread', () => {
  let logging: Logging;
  let metrics: MetricsCollection;
  let text = '';
  const started: ServiceThread[] = [];

  beforeEach(async () => {
    text = '';
    const write = (chunk: string) => void (text += chunk);
    const stdout = {
      isTerminal: false,
      writeSync: write,
      write(chunk: string, done: () => void) {
        write(chunk);
        done();
      },
    };
    logging = await openLogging({ service: 'test', level: 'debug', dir: null, rotation, stdout });
    metrics = createMetricsCollection(createThreadMetrics('main'));
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((thread) => thread.stop(0)));
    await logging.close();
  });

  async function start(behave: Wiring['behave'], options: { readyWithinMs?: number; signal?: AbortSignal } = {}) {
    const { port1, port2 } = new MessageChannel();
    const wiring: Wiring = { behave, port: port2 };
    const transfer = [port2];
    const thread = await startServiceThread({ name: 'worker', module, wiring, transfer, logging, metrics, ...options });
    started.push(thread);
    return { ...thread, port: port1 };
  }

  async function errorOf(promise: Promise<unknown>): Promise<Error & { code?: string; retriable?: boolean }> {
    const error = await promise.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(error instanceof Error)) throw new Error('it did not reject');
    return error;
  }

  it('is ready when it says so, has its wiring, logs and counts through the main thread, and stops', async () => {
    const thread = await start('well');
    thread.port.postMessage('hello');
    expect(((await once(thread.port, 'message')) as unknown[])[0]).to.deep.equal({ echo: 'hello' });
    expect(await thread.waitsFor()).to.deep.equal({ one: null, other: 'something' });
    const { body, contentType } = await metrics.scrape();
    expect(contentType).to.include('text/plain');
    expect(body).to.include('defter_http_request_duration_seconds_count{method="GET",route="/here",status="200"} 1');
    expect(body).to.match(/^nodejs_eventloop_lag_p99_seconds\{thread="main"\} /m);
    expect(body).to.match(/^nodejs_eventloop_lag_p99_seconds\{thread="worker"\} /m);
    expect(body.match(/^process_resident_memory_bytes.*$/gm)).to.have.length(1);
    await thread.stop(10_000);
    await eventually(() => expect(text).to.include('Stopped.'));
    expect(text).to.include('"thread":"worker"').and.not.include('did not stop in time');
    expect((await metrics.scrape()).body).not.to.include('thread="worker"');
  });

  it('rejects with the service’s own error when it cannot start', async () => {
    const error = await errorOf(start('fail-start'));
    expect(error).to.include({ message: 'no disk', code: 'no-disk', retriable: true });
  });

  it('rejects when it is not ready in time, or no longer wanted', async () => {
    expect((await errorOf(start('hang-start', { readyWithinMs: 50 }))).message).to.include('not ready in 50 ms');
    const reason = new Error('never mind');
    expect(await errorOf(start('hang-start', { signal: AbortSignal.abort(reason) }))).to.equal(reason);
    const abort = new AbortController();
    const late = errorOf(start('hang-start', { signal: abort.signal }));
    abort.abort(reason);
    expect(await late).to.equal(reason);
  });

  for (const [behave, message] of [
    ['crash', 'crashed'],
    ['report', 'reported'],
    ['exit', 'ended with code 3'],
  ] as const) {
    it(`tells when it fails (${behave})`, async () => {
      const thread = await start('well');
      thread.port.postMessage(behave);
      expect((await thread.failed).message).to.include(message);
    });
  }

  for (const behave of ['hang-stop', 'leak'] as const) {
    it(`is terminated when it does not stop in its grace (${behave}), aloud`, async () => {
      const thread = await start(behave);
      await Promise.all([thread.stop(50), thread.stop(50)]);
      await eventually(() => expect(text).to.include('did not stop in time'));
    });
  }

  it('is started anew by its supervisor, until it is stopped', async () => {
    let starts = 0;
    const options = { name: 'worker', log: logging.log, firstWaitMs: 1, longestWaitMs: 4 };
    const supervised = await supervise(async () => {
      starts += 1;
      const thread = await start(starts === 3 ? 'fail-start' : 'well');
      if (starts < 5) thread.port.postMessage('crash');
      return thread;
    }, options);
    await eventually(() => {
      expect(starts).to.equal(5);
      expect(supervised.running()?.name).to.equal('worker');
    }, 10_000);
    await supervised.stop(10_000);
    expect(supervised.running()).to.equal(undefined);
    expect(starts).to.equal(5);
  });

  it('fails its supervisor’s start with the first error', async () => {
    expect(
      (await errorOf(supervise(() => start('fail-start'), { name: 'worker', log: logging.log }))).message,
    ).to.equal('no disk');
  });
});
