// Trains the writing model and measures what was saved: `node models/tiny-writer/train.ts`, about ten minutes.

import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { createRandom } from '../training/random.ts';
import { saveModel } from '../training/save-model.ts';
import { startWasmBackend } from '../training/wasm-backend.ts';
import { readCorpus } from './corpus/read-corpus.ts';
import { alphabet, encodeText } from './vocabulary.ts';

const SEED = 20260802;
const UNITS = Number(process.env['UNITS'] ?? 128);
const STEPS = Number(process.argv[2] ?? 1000);
const BATCH = Number(process.env['BATCH'] ?? 64);
const LENGTH = Number(process.env['LEN'] ?? 80);
const LEARNING_RATE = Number(process.env['LR'] ?? 0.006);

const random = createRandom(SEED);
const corpus = await readCorpus();
const text = Uint8Array.from(encodeText(corpus.training));
console.log(`${text.length} characters of training text`);

await startWasmBackend();
const model = sequential({
  layers: [
    layers.gru({
      inputShape: [null, alphabet.length],
      units: UNITS,
      returnSequences: true,
      recurrentActivation: 'sigmoid',
      recurrentInitializer: 'glorotUniform',
      name: 'gru',
    }),
    layers.dense({ units: alphabet.length, activation: 'softmax', name: 'next' }),
  ],
});
const optimizer = tf.train.adam(LEARNING_RATE);
model.compile({ optimizer, loss: 'categoricalCrossentropy' });
const started = Date.now();
let average = Math.log(alphabet.length);
for (let step = 1; step <= STEPS; step++) {
  (optimizer as unknown as { learningRate: number }).learningRate = LEARNING_RATE * (1 - (0.98 * step) / STEPS);
  const { x, y } = drawBatch();
  const loss = Number(await model.trainOnBatch(x, y));
  average = step < 20 ? loss : 0.97 * average + 0.03 * loss;
  tf.dispose([x, y]);
  if (step % 20 === 0) {
    const seconds = (Date.now() - started) / 1000;
    const rate = Math.round((step * BATCH * LENGTH) / seconds);
    console.log(
      `step ${step} of ${STEPS}  ${(average / Math.LN2).toFixed(3)} bits per character  ${Math.round(seconds)} s  ${rate}/s`,
    );
  }
}
await saveModel(model, fileURLToPath(new URL('.', import.meta.url)), 'uint16');

/** Random windows of the text, one-hot, each with the same window one character on as its answer. */
function drawBatch(): { x: tf.Tensor3D; y: tf.Tensor3D } {
  const width = alphabet.length;
  const inputs = new Float32Array(BATCH * LENGTH * width);
  const answers = new Float32Array(BATCH * LENGTH * width);
  for (let row = 0; row < BATCH; row++) {
    const start = random.below(text.length - LENGTH - 1);
    for (let at = 0; at < LENGTH; at++) {
      const offset = (row * LENGTH + at) * width;
      inputs[offset + (text[start + at] as number)] = 1;
      answers[offset + (text[start + at + 1] as number)] = 1;
    }
  }
  const shape: [number, number, number] = [BATCH, LENGTH, width];
  return { x: tf.tensor3d(inputs, shape), y: tf.tensor3d(answers, shape) };
}
