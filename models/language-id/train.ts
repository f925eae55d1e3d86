// Trains the language model and measures what was saved: `node models/language-id/train.ts`, about two minutes on an idle core.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { createRandom } from '../training/random.ts';
import { saveModel } from '../training/save-model.ts';
import { startWasmBackend } from '../training/wasm-backend.ts';
import { createClassifier } from './handler.ts';
import { measure } from './measure.ts';
import { drawSample, readLanguages } from './samples.ts';

const SEED = 20260801;
const STEPS = Number(process.argv[2] ?? 8000);
const BATCH = 224;
const HIDDEN = 32;
const LEARNING_RATE = 0.004;
/** Share of a sample's n-grams hidden from the model at random, so that it does not lean on a few of them. */
const FEATURE_DROPOUT = 0.3;
const LABEL_SMOOTHING = 0.02;

const folder = fileURLToPath(new URL('.', import.meta.url));
const manifest: unknown = JSON.parse(await readFile(new URL('manifest.json', import.meta.url), 'utf8'));
const classifier = createClassifier(manifest);
const random = createRandom(SEED);
const texts = await readLanguages();

await startWasmBackend();
const model = sequential({
  layers: [
    layers.dense({
      inputShape: [classifier.inputLength],
      units: HIDDEN,
      activation: 'relu',
      kernelInitializer: initializers.glorotUniform({ seed: SEED }),
    }),
    layers.dense({
      units: texts.length,
      activation: 'softmax',
      kernelInitializer: initializers.glorotUniform({ seed: SEED + 1 }),
    }),
  ],
});
await train(model);
await saveModel(model, folder, 'uint8');
await measure();

async function train(model: LayersModel): Promise<void> {
  const optimizer = tf.train.adam(LEARNING_RATE);
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  const started = Date.now();
  let average = Math.log(texts.length);
  for (let step = 1; step <= STEPS; step++) {
    (optimizer as unknown as { learningRate: number }).learningRate = LEARNING_RATE * (1 - (0.97 * step) / STEPS);
    const { rows, answers } = drawBatch();
    const x = tf.tensor2d(rows, [BATCH, classifier.inputLength]);
    const y = tf.tensor2d(answers, [BATCH, texts.length]);
    average = 0.98 * average + 0.02 * Number(await model.trainOnBatch(x, y));
    tf.dispose([x, y]);
    if (step % 250 === 0) {
      const seconds = Math.round((Date.now() - started) / 1000);
      console.log(`step ${step} of ${STEPS}  loss ${average.toFixed(4)}  ${seconds} s`);
    }
  }
}

function drawBatch(): { rows: Float32Array; answers: Float32Array } {
  const length = classifier.inputLength;
  const rows = new Float32Array(BATCH * length);
  const answers = new Float32Array(BATCH * texts.length).fill(LABEL_SMOOTHING / texts.length);
  for (let at = 0; at < BATCH; at++) {
    const which = at % texts.length;
    const language = texts[which];
    if (!language) throw new Error('There are no languages to learn.');
    const row = rows.subarray(at * length, (at + 1) * length);
    classifier.encode(drawSample(language, random), row);
    for (let bucket = 0; bucket < length; bucket++) {
      if (row[bucket] !== 0 && random.next() < FEATURE_DROPOUT) row[bucket] = 0;
    }
    const answer = at * texts.length + which;
    answers[answer] = (answers[answer] as number) + 1 - LABEL_SMOOTHING;
  }
  return { rows, answers };
}
