import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { createMeasuredEventStore } from '#platform/metrics/event-store-metrics.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';
import { createMetricsCollection, serveMetrics } from '#platform/metrics/metrics-collection.ts';
import { createMeasuredModelHost } from '#platform/metrics/model-host-metrics.ts';
import { createThreadMetrics } from '#platform/metrics/thread-metrics.ts';
import { eventually } from '../support/eventually.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { someEvent } from '../support/some-event.ts';

/** A window of the histogram, in which the loop is looked at a few times. */
const SEVERAL_LOOKS_MS = 200;

describe('metrics', () => {
  it('add up what several threads count', async () => {
    const [main, other] = [createThreadMetrics('main'), createThreadMetrics('other')];
    const collection = createMetricsCollection(main);
    const { port1, port2 } = new MessageChannel();
    collection.attach(port1, 'other');
    serveMetrics(port2, other);
    createHttpMetrics(main).answered('GET', '/x', 200, 0.002);
    const there = createHttpMetrics(other);
    there.answered('GET', '/x', 200, 0.2);
    there.answered('GET', '/x', 404, 0.2);
    there.opened();
    const { body } = await collection.scrape();
    expect(body).to.include('defter_http_request_duration_seconds_count{method="GET",route="/x",status="200"} 2');
    expect(body).to.include('defter_http_request_duration_seconds_count{method="GET",route="/x",status="404"} 1');
    expect(body).to.match(/_bucket\{le="0.0025",method="GET",route="\/x",status="200"\} 1\n/);
    expect(body).to.match(/_bucket\{le="\+Inf",method="GET",route="\/x",status="200"\} 2\n/);
    expect(body).to.include('defter_http_requests_active 1');
    expect(body).to.match(/^process_resident_memory_bytes \d+$/m);
    expect(body).to.include('defter_metrics_silent_threads 0');
    port1.close();
  });

  it('leave out a thread that does not answer, and say so', async () => {
    const collection = createMetricsCollection(createThreadMetrics('main'), 10);
    const { port1 } = new MessageChannel();
    collection.attach(port1, 'silent');
    expect((await collection.scrape()).body).to.include('defter_metrics_silent_threads 1');
    port1.close();
  });

  it('read a group’s lag when they are collected, and go on when one cannot be read', async () => {
    const main = createThreadMetrics('main');
    const consumers = createConsumerMetrics(main);
    let lag = 3;
    const forget = consumers.watchLag('a', () => Promise.resolve(lag));
    consumers.watchLag('b', () => Promise.reject(new Error('no')));
    const collection = createMetricsCollection(main);
    const lags = async () => (await collection.scrape()).body.match(/^defter_consumer_lag_events\{.*$/gm);
    expect(await lags()).to.deep.equal(['defter_consumer_lag_events{group="a"} 3']);
    lag = 0;
    expect(await lags()).to.deep.equal(['defter_consumer_lag_events{group="a"} 0']);
    forget();
    expect(await lags()).to.equal(null);
  });

  it('have the names that dashboards are made of', async () => {
    const main = createThreadMetrics('main');
    const store = createMeasuredEventStore(createMemoryEventStore(), main);
    await store.append('s-1', [someEvent()], 'no_stream');
    await store.append('s-1', [someEvent()], 5).catch(() => undefined);
    const consumers = createConsumerMetrics(main);
    consumers.handled('g', 10, 0.01);
    consumers.outcome('g', 'parked', 1);
    consumers.parked('g', 1);
    const ok = { ok: true, output: 1, usage: { inputTokens: 1, outputTokens: 1 } } as const;
    const failed = { ok: false, error: { code: 'timeout', message: '', retriable: false } } as const;
    const models = createMeasuredModelHost(
      {
        run: async () => [ok, failed],
        loaded: () => [{ key: 'm', revision: 0, bytes: 1000, lastUsed: 0, state: 'idle' }],
        close: async () => undefined,
      },
      main,
    );
    const spec = { key: 'm', revision: 0, runtime: 'tensorflow', source: 'm', options: {} };
    const items = [
      { id: '1', input: 1 },
      { id: '2', input: 2 },
    ];
    await models.run(spec, items, { parameters: {}, deadlineMs: 1 });
    const { body } = await createMetricsCollection(main).scrape();
    for (const line of [
      'defter_event_store_append_duration_seconds_count 1',
      'defter_event_store_events_total 1',
      'defter_event_store_refusals_total{code="wrong-expected-revision"} 1',
      'defter_consumer_events_total{group="g"} 10',
      'defter_consumer_batch_duration_seconds_count{group="g"} 1',
      'defter_consumer_outcomes_total{group="g",outcome="parked"} 1',
      'defter_consumer_parked_streams{group="g"} 1',
      'defter_model_run_duration_seconds_count{runtime="tensorflow"} 1',
      'defter_model_batch_items_sum{runtime="tensorflow"} 2',
      'defter_model_items_total{runtime="tensorflow",outcome="ok"} 1',
      'defter_model_items_total{runtime="tensorflow",outcome="timeout"} 1',
      'defter_models_loaded 1',
      'defter_models_loaded_bytes 1000',
    ])
      expect(body.split('\n')).to.include(line);
  });

  it('say how late an event loop is, which an idle one is not', async () => {
    for (const thread of ['main', 'other']) {
      const metrics = createThreadMetrics(thread);
      const read = async (what: string) => {
        await metrics.collect();
        await sleep(SEVERAL_LOOKS_MS);
        const collected = await metrics.collect();
        return collected.find(({ name }) => name === `nodejs_eventloop_lag_${what}_seconds`)?.values[0]?.value;
      };
      await eventually(async () => expect(await read('min')).to.be.lessThan(0.001));
      const blocking = setInterval(() => {
        const until = performance.now() + 40;
        while (performance.now() < until);
      }, 1);
      await eventually(async () => expect(await read('max')).to.be.within(0.02, 1));
      clearInterval(blocking);
    }
  });
});
