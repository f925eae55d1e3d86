// Small TensorFlow model folders, written to a temporary folder, so that the runtime's tests need no trained model.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ModelFixtures {
  /** The folder that holds the models' folders. */
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

/**
 * `letters` is a classifier: how many a and b a text has, more of which is its label. `echo` is a generator: repeats its
 * input letter by letter; `forever: true` never ends, `limit` ends it early. Both throw for the input `bad`, die for
 * `die`, stop answering for `stuck` and run out of memory for `hungry`.
 */
export async function writeModelFixtures(): Promise<ModelFixtures> {
  const folder = await mkdtemp(join(tmpdir(), 'defter-models-'));
  await writeModel(folder, 'letters', classifierHandler);
  await writeModel(folder, 'echo', generatorHandler);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Writes one model folder: a dense layer of two inputs and two outputs that changes nothing, and the handler given. */
export async function writeModel(folder: string, name: string, handler: string): Promise<string> {
  const model = join(folder, name);
  await mkdir(model, { recursive: true });
  await Promise.all([
    writeFile(join(model, 'manifest.json'), JSON.stringify({ labels: ['a', 'b'] })),
    writeFile(join(model, 'model.json'), JSON.stringify(modelJson)),
    writeFile(join(model, 'weights.bin'), new Float32Array([1, 0, 0, 1, 0, 0])),
    writeFile(join(model, 'handler.ts'), faults + handler),
  ]);
  return model;
}

const dense = {
  class_name: 'Dense',
  config: {
    name: 'dense',
    units: 2,
    activation: 'linear',
    use_bias: true,
    trainable: true,
    batch_input_shape: [null, 2],
    dtype: 'float32',
  },
};

const modelJson = {
  format: 'layers-model',
  generatedBy: 'test',
  convertedBy: null,
  modelTopology: { class_name: 'Sequential', config: { name: 'sequential', layers: [dense] } },
  weightsManifest: [
    {
      paths: ['weights.bin'],
      weights: [
        { name: 'dense/kernel', shape: [2, 2], dtype: 'float32' },
        { name: 'dense/bias', shape: [2], dtype: 'float32' },
      ],
    },
  ],
};

const faults = `
function misbehave(input: string): void {
  if (input === 'bad') throw new TypeError('this text must not leave the thread: ' + input);
  if (input === 'die') process.exit(3);
  if (input === 'stuck') for (;;);
  if (input === 'hungry') for (const held: unknown[] = []; ; ) held.push(Array.from({ length: 1000 }, () => ({})));
}
`;

const classifierHandler = `
export function createClassifier(manifest: unknown) {
  const { labels } = manifest as { labels: string[] };
  return {
    inputLength: 2,
    encode(input: string, into: Float32Array): number {
      misbehave(input);
      for (const letter of input) {
        const place = labels.indexOf(letter);
        if (place >= 0) into[place] = (into[place] ?? 0) + 1;
      }
      return input.length;
    },
    decode(row: Float32Array, parameters: Record<string, unknown> = {}): unknown {
      const [a = 0, b = 0] = row;
      return { label: labels[a >= b ? 0 : 1], counts: [a, b], ...parameters };
    },
  };
}
`;

const generatorHandler = `
export function createGenerator(weights: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>) {
  if (weights.get('dense/kernel')?.data.length !== 4) throw new Error('the weights are not those of the model');
  return {
    start(input: string, parameters: Record<string, unknown>) {
      misbehave(input);
      const limit = typeof parameters['limit'] === 'number' ? parameters['limit'] : input.length;
      const end = parameters['forever'] === true ? Infinity : Math.min(limit, input.length);
      let written = 0;
      return {
        inputTokens: input.length,
        next() {
          // The last letter comes with the end only, as text held back for a stop sequence would.
          if (written + 1 < end) return { text: input.charAt(written++ % input.length) };
          const finishReason = end < input.length ? ('length' as const) : ('stop' as const);
          return { finishReason, outputTokens: end, text: input.slice(0, end) };
        },
      };
    },
  };
}
`;
