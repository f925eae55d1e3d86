import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { ModelLoadError, type ModelRuntime, type ModelSpec } from '#platform/model-host/model-runtime.ts';
import { openTensorflowBackend } from '#platform/model-host/tensorflow-backend.ts';
import { classify } from '#platform/model-host/tensorflow-classifier.ts';
import { createGeneratorSchedule } from '#platform/model-host/tensorflow-generator.ts';
import { createHandler } from '#platform/model-host/tensorflow-handler.ts';
import { openTensorflowRuntime } from '#platform/model-host/tensorflow-runtime.ts';
import { readTensorflowSource } from '#platform/model-host/tensorflow-source.ts';
import { createWeights, parseWeightSpecs } from '#platform/model-host/tensorflow-weights.ts';
import { type ModelFixtures, writeModel, writeModelFixtures } from '../support/model-fixtures.ts';
import { createQuietLog, type QuietLog } from '../support/quiet-log.ts';

const deadlineMs = 20_000;
const noFault = (error: string): void => expect.fail(error);

describe('tensorflow runtime', function () {
  this.timeout(60_000);
  let fixtures: ModelFixtures;
  let runtime: ModelRuntime;
  let log: QuietLog;

  beforeEach(async () => {
    fixtures = await writeModelFixtures();
    log = createQuietLog();
    runtime = openTensorflowRuntime({ modelsFolder: fixtures.folder, log, maxHeapMb: 64, stuckAfterMs: 100 });
  });
  afterEach(async () => {
    await runtime.close();
    await fixtures.remove();
  });

  const specOf = (source: string): ModelSpec => ({
    key: source,
    revision: 0,
    runtime: 'tensorflow',
    source,
    options: {},
  });

  async function loadError(source: string): Promise<string> {
    const error = await runtime.load(specOf(source)).then(
      () => expect.fail('it was loaded'),
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(ModelLoadError);
    return (error as ModelLoadError).message;
  }

  it('names what is wrong with a folder', async () => {
    const { folder } = fixtures;
    const letters = join(folder, 'letters');
    const handler = (name: string, text: string) => writeModel(folder, name, text);
    for (const file of ['manifest.json', 'model.json', 'weights.bin', 'handler.ts']) {
      const broken = await handler('broken', 'export const createGenerator = () => ({});');
      await rm(join(broken, file));
      expect(await loadError('broken')).to.include(`${file} is missing`);
    }
    await handler('none', 'export const other = 1;');
    expect(await loadError('none')).to.match(/exactly one of createClassifier and createGenerator/);
    await handler('both', 'export function createClassifier() {} export function createGenerator() {}');
    expect(await loadError('both')).to.match(/exactly one/);
    await handler('syntax', 'export const = 1;');
    expect(await loadError('syntax')).to.match(/handler\.ts cannot be imported/);
    await handler('exit', 'process.exit(9);');
    expect(await loadError('exit')).to.match(/ended with code 9/);
    await handler('width', 'export const createClassifier = () => ({ inputLength: 7 });');
    expect(await loadError('width')).to.match(/encodes rows of 7, but the model's input is \[, 2\]/);
    await writeFile(join(letters, 'weights.bin'), new Float32Array(3));
    expect(await loadError('letters')).to.match(/weights\.bin has 12 bytes where model\.json names 24/);
    await writeFile(join(letters, 'model.json'), '{');
    expect(await loadError('letters')).to.match(/model\.json is not JSON/);
    await writeFile(join(letters, 'model.json'), '{}');
    expect(await loadError('letters')).to.match(/no weightsManifest/);
  });

  it('gives a load up that takes too long, and one that is under way when it closes', async () => {
    await writeModel(fixtures.folder, 'slow', 'await new Promise((resolve) => setTimeout(resolve, 60_000));');
    const impatient = openTensorflowRuntime({ modelsFolder: fixtures.folder, log, loadTimeoutMs: 50 });
    const error = await impatient.load(specOf('slow')).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ModelLoadError).and.have.property('retriable', true);
    await impatient.close();
    const under = runtime.load(specOf('slow')).catch((reason: unknown) => reason);
    await runtime.close();
    expect(await under).to.be.instanceOf(ModelLoadError);
  });

  for (const input of ['die', 'hungry']) {
    for (const source of ['letters', 'echo']) {
      it(`rejects every run of a thread that died: ${source}, ${input}`, async () => {
        const model = await runtime.load(specOf(source));
        const options = { parameters: { forever: true }, deadlineMs };
        const runs = ['aab', input, 'aab'].map((text) => model.run([{ id: 'i', input: text }], options));
        const outcomes = await Promise.allSettled(runs);
        // A classifier answers the runs before the fatal one; a generator had not finished any.
        expect(outcomes.slice(source === 'letters' ? 1 : 0).map(({ status }) => status)).to.not.include('fulfilled');
        expect((await model.broken)?.message).to.match(input === 'die' ? /code 3/ : /ERR_WORKER_OUT_OF_MEMORY/);
        const after = await Promise.allSettled([model.run([{ id: 'i', input: 'a' }], options)]);
        expect(after[0]?.status).to.equal('rejected');
      });
    }
  }

  it('answers at the deadline though the thread is stuck, and ends the thread', async () => {
    const model = await runtime.load(specOf('letters'));
    const results = await model.run([{ id: 'i', input: 'stuck' }], { parameters: {}, deadlineMs: 50 });
    expect(results).to.have.nested.property('[0].error.code', 'timeout');
    expect((await model.broken)?.message).to.match(/stuck/);
  });

  it('keeps what a handler says of an input out of the answer and the log', async () => {
    const model = await runtime.load(specOf('letters'));
    const results = await model.run([{ id: 'i', input: 'bad' }], { parameters: {}, deadlineMs });
    const said = JSON.stringify(results) + log.lines.join('\n');
    expect(said).not.to.include('must not leave');
    expect(said).to.include('TypeError').and.to.include('handler.ts');
  });

  it('ends a generated text at its limit', async () => {
    const model = await runtime.load(specOf('echo'));
    const results = await model.run([{ id: 'i', input: 'abcdef' }], { parameters: { limit: 4 }, deadlineMs });
    expect(results).to.deep.equal([
      {
        ok: true,
        output: { text: 'abcd', finishReason: 'length' },
        usage: { inputTokens: 6, outputTokens: 4 },
      },
    ]);
  });

  it('serves a short text while a large batch of endless ones runs', async () => {
    const model = await runtime.load(specOf('echo'));
    const cancel = new AbortController();
    const items = Array.from({ length: 200 }, (_, n) => ({ id: `i${n}`, input: 'abc' }));
    const signals = new Map(items.map(({ id }) => [id, cancel.signal]));
    const batch = model.run(items, { parameters: { forever: true }, deadlineMs, signals });
    const short = await model.run([{ id: 'i', input: 'abc' }], { parameters: {}, deadlineMs });
    expect(short).to.have.nested.property('[0].output.text', 'abc');
    cancel.abort();
    const results = await batch;
    expect(results.every((result) => !result.ok && result.error.code === 'cancelled')).to.equal(true);
  });

  it('groups the pieces of a fast model', async () => {
    const model = await runtime.load(specOf('echo'));
    const cancel = new AbortController();
    let calls = 0;
    let letters = 0;
    const started = performance.now();
    await model.run([{ id: 'i', input: 'abc' }], {
      parameters: { forever: true },
      deadlineMs,
      signals: new Map([['i', cancel.signal]]),
      onToken(_, text) {
        calls += 1;
        letters += text.length;
        if (letters > 100_000) cancel.abort();
      },
    });
    expect(calls).to.be.at.most((performance.now() - started) / 10 + 2);
  });

  it('holds the same memory after 100,000 rows', async () => {
    const folder = join(fixtures.folder, 'letters');
    const source = await readTensorflowSource(folder);
    const handler = createHandler((await import(join(folder, 'handler.ts'))) as object);
    if (handler.kind !== 'classifier') throw new Error('letters is a classifier');
    const classifier = handler.create(source.manifest);
    const backend = await openTensorflowBackend(source, classifier.inputLength);
    const rows = new Float32Array(32 * classifier.inputLength);
    const inputs = Array.from({ length: 50 }, (_, n) => 'ab'.repeat(n));
    const round = () => classify(classifier, backend, rows, inputs, {}, noFault);
    round();
    const before = backend.tensors();
    for (let done = 0; done < 100_000; done += inputs.length) round();
    expect(backend.tensors()).to.equal(before);
    expect(round().at(1)).to.have.deep.nested.property('output.counts', [1, 1]);
  });
});

describe('weights of a TensorFlow.js model', () => {
  it('are read as TensorFlow.js itself reads them, quantized or not', async () => {
    const weights = [
      {
        name: 'a',
        shape: [3],
        dtype: 'float32' as const,
        quantization: { dtype: 'uint8' as const, min: -1, scale: 0.5 },
      },
      { name: 'b', shape: [2, 1], dtype: 'float32' as const },
      {
        name: 'c',
        shape: [2],
        dtype: 'float32' as const,
        quantization: { dtype: 'uint16' as const, min: 2, scale: 0.01 },
      },
    ];
    const stored = new Uint8Array([0, 7, 255, ...new Uint8Array(new Float32Array([1.5, -2]).buffer), 1, 0, 255, 255])
      .buffer;
    const mine = createWeights(parseWeightSpecs({ weightsManifest: [{ weights }] }), stored);
    await import('@tensorflow/tfjs-backend-wasm');
    await tf.setBackend('wasm');
    for (const [name, tensor] of Object.entries(tf.io.decodeWeights(stored, weights))) {
      expect(mine.get(name)?.shape).to.deep.equal(tensor.shape);
      expect(mine.get(name)?.data).to.deep.equal(tensor.dataSync());
      tensor.dispose();
    }
    expect([...mine.keys()]).to.deep.equal(['a', 'b', 'c']);
  });

  it('are refused by name when they are stored otherwise', () => {
    const parse = (weight: object) => () => parseWeightSpecs({ weightsManifest: [{ weights: [weight] }] });
    expect(parse({ name: 'w', shape: [1], dtype: 'int32' })).to.throw(/weight w is not float32/);
    expect(parse({ name: 'w', shape: [-1], dtype: 'float32' })).to.throw(/weight w has no shape/);
    const quantization = { dtype: 'float16' };
    expect(parse({ name: 'w', shape: [1], dtype: 'float32', quantization })).to.throw(/weight w is quantized, but not/);
  });
});

describe('generator schedule', () => {
  it('gives runs equal turns, whatever their size', () => {
    const steps: string[] = [];
    const generator = {
      start: (input: string) => ({
        inputTokens: 1,
        next() {
          steps.push(input);
          return { text: '.' };
        },
      }),
    };
    const schedule = createGeneratorSchedule(generator, noFault);
    const common = { parameters: {}, stream: true, deadline: Date.now() + 60_000 };
    schedule.add({ run: 1, inputs: Array.from({ length: 100 }, () => 'many'), ...common });
    schedule.add({ run: 2, inputs: ['one'], ...common });
    expect(schedule.work(20)).to.equal(true);
    const ones = steps.filter((step) => step === 'one').length;
    expect(ones / steps.length).to.be.within(0.45, 0.55);
    // At most eight items of a run are open at a time.
    const places = new Set(schedule.take().pieces.map(({ run, place }) => `${run}/${place}`));
    expect(places.size).to.equal(9);
  });

  it('fails an item whose final text is not that of its pieces', () => {
    const pieces = [{ text: 'a' }, { text: 'b', finishReason: 'stop' as const, outputTokens: 1 }];
    const faults: string[] = [];
    const generator = { start: () => ({ inputTokens: 1, next: () => pieces.shift() ?? expect.fail('too far') }) };
    const schedule = createGeneratorSchedule(generator, (error) => void faults.push(error));
    const deadline = Date.now() + 60_000;
    schedule.add({ run: 1, inputs: [''], parameters: {}, stream: true, deadline });
    expect(schedule.work(1_000)).to.equal(false);
    expect(schedule.take().results).to.have.nested.property('[0].result.error.code', 'model-failed');
    expect(faults).to.have.length(1);
  });
});
