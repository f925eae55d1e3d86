import { expect } from 'chai';
import fc from 'fast-check';
import { createKeyedAdapters } from '#platform/keyed-adapters.ts';
import { openModelHost } from '#platform/model-host/model-host.ts';
import { type LoadedModel, ModelLoadError, type ModelRuntime } from '#platform/model-host/model-runtime.ts';
import type { ModelSpec, RunItem, RunResult } from '#platform/model-host/model-runtime.ts';
import { openTensorflowRuntime } from '#platform/model-host/tensorflow-runtime.ts';
import { writeModelFixtures } from '../support/model-fixtures.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { eventually } from '../support/eventually.ts';

const items: RunItem[] = [{ id: 'i', input: 'x' }];
const options = { parameters: {}, deadlineMs: 10_000 };
const fast = { loadBackoffMs: 30, roomWaitMs: 60 };

describe('model host', () => {
  it('loads a model once however many ask at the same time', async () => {
    const runtime = createSteeredRuntime();
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    const results = await Promise.all(Array.from({ length: 50 }, () => host.run(spec('a', 10), items, options)));
    expect(results.flat().every((result) => result.ok)).to.equal(true);
    expect(runtime.loads).to.deep.equal(['a@1']);
    expect(host.loaded()).to.have.length(1);
    expect(host.loaded()[0]).to.include({ key: 'a', bytes: 10, state: 'idle' });
    await host.close();
    expect(runtime.open).to.deep.equal([]);
  });

  it('unloads the least recently used idle model when another needs its room', async () => {
    const runtime = createSteeredRuntime();
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    await host.run(spec('a', 40), items, options);
    await host.run(spec('b', 40), items, options);
    await pause(2);
    await host.run(spec('a', 40), items, options);
    await host.run(spec('c', 40), items, options);
    expect(
      host
        .loaded()
        .map(({ key }) => key)
        .toSorted(),
    ).to.deep.equal(['a', 'c']);
    await host.close();
  });

  it('never unloads a model that runs: a load waits for it, or answers that the host is full', async () => {
    const runtime = createSteeredRuntime();
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    const release = runtime.hold('a');
    const running = host.run(spec('a', 80), items, options);
    await eventually(() => expect(host.loaded()[0]).to.include({ key: 'a', state: 'running' }));
    const [full] = await host.run(spec('b', 80), items, options);
    expect(full).to.deep.equal({
      ok: false,
      error: { code: 'model-host-full', message: 'No memory is free to load the model now.', retriable: true },
    });
    const waiting = host.run(spec('b', 80), items, options);
    release();
    expect((await running)[0]?.ok).to.equal(true);
    expect((await waiting)[0]?.ok).to.equal(true);
    expect(host.loaded().map(({ key }) => key)).to.deep.equal(['b']);
    await host.close();
  });

  it('refuses for good a model that is larger than the whole budget', async () => {
    const runtime = createSteeredRuntime();
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    const [result] = await host.run(spec('a', 101), items, options);
    expect(result).to.have.nested.property('error.code', 'model-load-failed');
    expect(result).to.have.nested.property('error.retriable', false);
    expect(runtime.open).to.deep.equal([]);
    await host.close();
  });

  it('closes a loaded model again when it turns out larger than the room there is', async () => {
    const runtime = createSteeredRuntime({ estimate: () => 1 });
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    const release = runtime.hold('a');
    const running = host.run(spec('a', 80), items, options);
    await eventually(() => expect(runtime.running()).to.equal(1));
    const [full] = await host.run(spec('b', 80), items, options);
    expect(full).to.have.nested.property('error.code', 'model-host-full');
    expect(runtime.open).to.deep.equal(['a@1']);
    release();
    await running;
    await host.close();
  });

  it('loads a new revision and closes the old one after its runs end', async () => {
    const runtime = createSteeredRuntime();
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    const release = runtime.hold('a');
    const old = host.run(spec('a', 10), items, options);
    await eventually(() => expect(runtime.running()).to.equal(1));
    runtime.hold('a')();
    const [fresh] = await host.run(spec('a', 10, 2), items, options);
    expect(fresh).to.have.property('output', 'a@2');
    expect(runtime.open).to.deep.equal(['a@1', 'a@2']);
    expect(host.loaded().map(({ revision, state }) => [revision, state])).to.deep.equal([
      [1, 'retiring'],
      [2, 'idle'],
    ]);
    release();
    expect((await old)[0]).to.have.property('output', 'a@1');
    await eventually(() => expect(runtime.open).to.deep.equal(['a@2']));
    // A caller that still has the old definition is answered by the new one: no flapping between the two.
    expect((await host.run(spec('a', 10, 1), items, options))[0]).to.have.property('output', 'a@2');
    expect(runtime.loads).to.deep.equal(['a@1', 'a@2']);
    // A rotated credential is a new definition although the revision is the same.
    await host.run({ ...spec('a', 10, 2), secret: 'new' }, items, options);
    expect(runtime.loads).to.deep.equal(['a@1', 'a@2', 'a@2']);
    await host.close();
  });

  it('remembers a failed load only for the back-off', async () => {
    const runtime = createSteeredRuntime();
    const log = createQuietLog();
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log,
      ...fast,
    });
    runtime.failLoads(new ModelLoadError('/secret/path/model.json is missing', true));
    const error = { code: 'model-load-failed', message: 'The model could not be loaded.', retriable: true };
    expect(await host.run(spec('a', 10), items, options)).to.deep.equal([{ ok: false, error }]);
    runtime.failLoads(undefined);
    expect(await host.run(spec('a', 10), items, options)).to.deep.equal([{ ok: false, error }]);
    expect(runtime.loads).to.have.length(1);
    await eventually(async () => expect((await host.run(spec('a', 10), items, options))[0]?.ok).to.equal(true));
    expect(runtime.loads).to.have.length(2);
    expect(log.lines.join('\n')).to.include('/secret/path/model.json is missing');
    await host.close();
  });

  it('counts loading towards the deadline', async () => {
    const runtime = createSteeredRuntime();
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    const letLoad = runtime.holdLoads();
    const [late] = await host.run(spec('a', 10), items, { parameters: {}, deadlineMs: 20 });
    expect(late).to.have.nested.property('error.code', 'timeout');
    letLoad();
    expect((await host.run(spec('a', 10), items, options))[0]?.ok).to.equal(true);
    expect(runtime.loads).to.have.length(1);
    await host.close();
  });

  it('answers that there is no such runtime', async () => {
    const host = openModelHost({
      runtimes: createKeyedAdapters<ModelRuntime>({}),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    const [result] = await host.run(spec('a', 10), items, options);
    expect(result).to.have.nested.property('error.code', 'model-load-failed');
    await host.close();
  });

  it('answers what runs and what loads when it is closed, and refuses what comes after', async () => {
    const runtime = createSteeredRuntime();
    const host = openModelHost({
      runtimes: createKeyedAdapters({ steered: async () => runtime }),
      memoryBudgetBytes: 100,
      log: createQuietLog(),
      ...fast,
    });
    runtime.hold('a');
    const running = host.run(spec('a', 10), items, options);
    await eventually(() => expect(runtime.running()).to.equal(1));
    runtime.holdLoads();
    const loading = host.run(spec('b', 10), items, options);
    await host.close();
    for (const results of [await running, await loading, await host.run(spec('a', 10), items, options)]) {
      expect(results).to.have.nested.property('[0].error.code', 'model-host-closed');
    }
    expect(runtime.open).to.deep.equal([]);
  });

  it('keeps to the budget whatever is asked of it', async () => {
    const call = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), revision: fc.integer({ min: 1, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (calls) => {
        const size = { a: 20, b: 40, c: 60, d: 90 };
        const runtime = createSteeredRuntime();
        const host = openModelHost({
          runtimes: createKeyedAdapters({ steered: async () => runtime }),
          memoryBudgetBytes: 100,
          log: createQuietLog(),
        });
        const runs = calls.map(async ({ key, revision }) => {
          const results = await host.run(spec(key, size[key], revision), items, options);
          expect(results[0]?.ok).to.equal(true);
          expect(host.loaded().reduce((sum, { bytes }) => sum + bytes, 0)).to.be.at.most(100);
        });
        await Promise.all(runs);
        await host.close();
        expect(runtime.peakBytes()).to.be.at.most(100);
        expect(runtime.open).to.deep.equal([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('model host over real threads', function () {
  this.timeout(30_000);

  it('answers every item of a run whose thread died, and loads the model anew for the next', async () => {
    const fixtures = await writeModelFixtures();
    const log = createQuietLog();
    const runtime = openTensorflowRuntime({ modelsFolder: fixtures.folder, log });
    const host = openModelHost({
      runtimes: createKeyedAdapters({ tensorflow: async () => runtime }),
      memoryBudgetBytes: 1e9,
      log,
    });
    const model = { key: 'echo', revision: 0, runtime: 'tensorflow', source: 'echo', options: {} };
    const slow = host.run(model, [{ id: 'slow', input: 'abc' }], { ...options, parameters: { forever: true } });
    const died = host.run(
      model,
      ['abc', 'die', 'def'].map((input, n) => ({ id: `i${n}`, input })),
      options,
    );
    const crashed = { code: 'runtime-crashed', message: 'The model broke while it ran.', retriable: true };
    expect(new Set((await slow).map((result) => JSON.stringify(result)))).to.deep.equal(
      new Set([JSON.stringify({ ok: false, error: crashed })]),
    );
    expect((await died)[1]).to.deep.equal({ ok: false, error: crashed });
    const [again] = await host.run(model, [{ id: 'i', input: 'abc' }], options);
    expect(again).to.have.deep.property('output', { text: 'abc', finishReason: 'stop' });
    expect(host.loaded()).to.have.length(1);
    await host.close();
    await fixtures.remove();
  });
});

function spec(key: string, bytes: number, revision = 1): ModelSpec {
  return { key, revision, runtime: 'steered', source: '', options: { bytes } };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A runtime whose loads and runs the test holds, lets go and fails; it keeps account of what is open. */
function createSteeredRuntime({ estimate }: { estimate?: () => number } = {}) {
  const loads: string[] = [];
  const open: string[] = [];
  const holds = new Map<string, Promise<void>>();
  const closing = Promise.withResolvers<never>();
  closing.promise.catch(() => undefined);
  let loadHold: Promise<void> = Promise.resolve();
  let loadError: Error | undefined;
  let bytesOpen = 0;
  const state = { running: 0, peakBytes: 0 };

  async function load(spec: ModelSpec): Promise<LoadedModel> {
    const name = `${spec.key}@${spec.revision}`;
    const bytes = spec.options['bytes'] as number;
    loads.push(name);
    await Promise.race([loadHold, closing.promise]);
    await new Promise((resolve) => setImmediate(resolve));
    if (loadError) throw loadError;
    open.push(name);
    bytesOpen += bytes;
    state.peakBytes = Math.max(state.peakBytes, bytesOpen);
    const closed = Promise.withResolvers<never>();
    closed.promise.catch(() => undefined);
    let isOpen = true;
    async function run(runItems: readonly RunItem[]): Promise<RunResult[]> {
      state.running += 1;
      try {
        await Promise.race([holds.get(spec.key), closed.promise]);
      } finally {
        state.running -= 1;
      }
      return runItems.map(() => ({ ok: true, output: name, usage: { inputTokens: 1, outputTokens: 1 } }));
    }
    return {
      bytes,
      run,
      async close() {
        await new Promise((resolve) => setImmediate(resolve));
        if (!isOpen) return;
        isOpen = false;
        open.splice(open.indexOf(name), 1);
        bytesOpen -= bytes;
        closed.reject(new Error('closed'));
      },
    };
  }

  const runtime: ModelRuntime = {
    estimateBytes: async (spec) => estimate?.() ?? (spec.options['bytes'] as number),
    load,
    async close() {
      closing.reject(new Error('the runtime is closed'));
    },
  };
  return Object.assign(runtime, {
    loads,
    open,
    running: () => state.running,
    peakBytes: () => state.peakBytes,
    /** Runs of the key begun from now on wait until the function returned is called. */
    hold(key: string): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      holds.set(key, promise);
      return resolve;
    },
    holdLoads(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      loadHold = promise;
      return resolve;
    },
    failLoads(error: Error | undefined): void {
      loadError = error;
    },
  });
}
