import { expect } from 'chai';
import { topicOf } from '#events/aggregates.ts';
import { type InferenceRequest, inferences } from '#events/inference.ts';
import type { Standing } from '#events/standing.ts';
import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import type { ModelHost } from '#platform/model-host/model-host.ts';
import { startInferenceWorker } from '../../workers/inference/start.ts';
import { eventually } from '../support/eventually.ts';
import { definition, recorded, requestedData } from '../support/history-sample.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { createQuietLog } from '../support/quiet-log.ts';

class Away extends Error {
  readonly retriable = true;
}

/** Rejects the first two times that it is asked. */
function awayTwice<Args extends unknown[], T>(asked: (...args: Args) => Promise<T>) {
  let times = 0;
  const flaky = (...args: Args): Promise<T> => {
    times++;
    return times <= 2 ? Promise.reject(new Away('it does not answer now')) : asked(...args);
  };
  return Object.assign(flaky, { asked: () => times });
}

const model: Standing = {
  of: 'model',
  state: {
    status: 'registered',
    model: { owner: 'platform', revision: 0, definition, defaults: {}, grantedTo: [], createdAt: 0 },
    retired: [],
    commands: [],
  } as never,
};

const host: ModelHost = {
  run: async (_, items) =>
    items.map(() => ({ ok: true, output: 'fine', usage: { inputTokens: 1, outputTokens: 1 } }) as const),
  loaded: () => [],
  close: async () => undefined,
};

describe('an inference worker whose servers are away for a while', () => {
  it('waits for them, and loses nothing', async () => {
    const store = createMemoryEventStore();
    const readStore = createMemoryReadStore();
    const log = createQuietLog();
    const bus = openLogBus({ store, topicOf, partitions: 2, checkpoints: checkpointsInReadStore(readStore), log });
    const get = awayTwice(async (streams: readonly string[]) => streams.map((): Standing | undefined => model));
    const head = awayTwice(() => store.head());
    const seal = awayTwice(async () => ({ keyId: 'day', sealed: 'c2VhbGVk', blob: null, bytes: 6 }));
    const open = awayTwice(async () => 'text');
    const stream = inferences.stream('one');
    const data: InferenceRequest = { ...requestedData, form: 'input', deadline: Date.now() + 60_000 };
    const { id, type, metadata } = recorded([], stream, 'InferenceRequested', data, 'r1');
    await store.append(stream, [{ id, type, data, metadata }], 'no_stream');

    const worker = await startInferenceWorker({
      store: { ...store, head },
      bus,
      readStore,
      shared: true,
      contents: { open, seal },
      standings: { get, refresh: async () => undefined },
      live: {
        publish: () => undefined,
        subscribe: () => () => undefined,
        recent: async () => [],
        close: async () => undefined,
      },
      host,
      readSecret: async () => undefined,
      environment: () => undefined,
      allowPrivateUpstreams: false,
      window: 8_000,
      now: Date.now,
      log,
    });
    let failed: Error | undefined;
    void worker.failed.then((error) => (failed = error));
    try {
      await eventually(async () => {
        const types = (await store.readStream(stream)).map((event) => event.type);
        expect(types, failed?.message).to.deep.equal(['InferenceRequested', 'InferenceCompleted']);
      }, 10_000);
      expect(failed).to.equal(undefined);
      for (const one of [get, head, seal, open]) expect(one.asked()).to.be.above(2);
    } finally {
      await worker.stop();
      await bus.close();
    }
  });
});
