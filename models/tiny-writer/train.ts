// Trains the writing model and measures what was saved: `node models/tiny-writer/train.ts`, about five minutes on an idle core.

import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { createRandom } from '../training/random.ts';
import { saveModel } from '../training/save-model.ts';
import { startWasmBackend } from '../training/wasm-backend.ts';
import { readCorpus } from './corpus/read-corpus.ts';
import { createGruTrainer, type GruWeights } from './gru-trainer.ts';
import { measure } from './measure.ts';
import { alphabet, encodeText } from './vocabulary.ts';

const SEED = 20260802;
const UNITS = 128;
const STEPS = Number(process.argv[2] ?? 2000);
const BATCH = 32;
const LENGTH = 64;
const LEARNING_RATE = 0.008;

await startWasmBackend();
const random = createRandom(SEED);
const text = Uint8Array.from(encodeText((await readCorpus()).training));
console.log(`${text.length} characters of training text`);
await saveModel(toLayersModel(train()), fileURLToPath(new URL('.', import.meta.url)), 'uint16');
await measure();

/** Each of the batch's texts starts somewhere at random and reads on, so the hidden state lives across steps. */
function train(): GruWeights {
  const symbols = alphabet.length;
  const trainer = createGruTrainer({ symbols, units: UNITS, batch: BATCH, length: LENGTH }, random);
  const places = Array.from({ length: BATCH }, () => random.below(text.length));
  const inputs = new Uint8Array(BATCH * LENGTH);
  const answers = new Uint8Array(BATCH * LENGTH);
  const started = Date.now();
  let average = Math.log2(symbols);
  for (let step = 1; step <= STEPS; step++) {
    places.forEach((place, row) => {
      for (let at = 0; at < LENGTH; at++) {
        inputs[at * BATCH + row] = text[(place + at) % text.length] as number;
        answers[at * BATCH + row] = text[(place + at + 1) % text.length] as number;
      }
      places[row] = (place + LENGTH) % text.length;
    });
    const warmUp = Math.min(1, step / 20);
    const decay = 0.02 + 0.98 * (0.5 + 0.5 * Math.cos((Math.PI * step) / STEPS));
    const bits = trainer.step(inputs, answers, LEARNING_RATE * warmUp * decay);
    average = step < 20 ? bits : 0.97 * average + 0.03 * bits;
    if (step % 50 === 0) {
      const seconds = (Date.now() - started) / 1000;
      const rate = Math.round((step * BATCH * LENGTH) / seconds);
      const progress = `${Math.round(seconds)} s, ${rate} characters/s`;
      console.log(`step ${step} of ${STEPS}  ${average.toFixed(3)} bits per character  ${progress}`);
    }
  }
  return trainer.weights;
}

function toLayersModel({ kernel, recurrent, bias, outKernel, outBias }: GruWeights) {
  const symbols = alphabet.length;
  const gru = layers.gru({
    inputShape: [null, symbols],
    units: UNITS,
    returnSequences: true,
    recurrentActivation: 'sigmoid',
    recurrentInitializer: 'glorotUniform',
    name: 'gru',
  });
  const next = layers.dense({ units: symbols, activation: 'softmax', name: 'next' });
  const model = sequential({ layers: [gru, next] });
  gru.setWeights([
    tf.tensor2d(kernel, [symbols, 3 * UNITS]),
    tf.tensor2d(recurrent, [UNITS, 3 * UNITS]),
    tf.tensor1d(bias),
  ]);
  next.setWeights([tf.tensor2d(outKernel, [UNITS, symbols]), tf.tensor1d(outBias)]);
  return model;
}
