// Measures the saved model on text it has not seen: `node models/language-id/measure.ts`.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadModel } from '../training/load-model.ts';
import { startWasmBackend } from '../training/wasm-backend.ts';
import { createClassifier, type Classifier } from './handler.ts';
import { readLanguages, type LanguageText } from './samples.ts';

interface Sample {
  readonly label: string;
  readonly text: string;
}

/** Prints accuracy by length on the held-out articles, on the held-out everyday sentences, and speed. */
export async function measure(): Promise<void> {
  const manifest: unknown = JSON.parse(await readFile(new URL('manifest.json', import.meta.url), 'utf8'));
  const classifier = createClassifier(manifest);
  const model = await loadModel(fileURLToPath(new URL('.', import.meta.url)));
  const texts = await readLanguages();
  for (const length of [15, 30, 60, 120, 1000]) {
    const samples = texts.flatMap(({ label, heldOut }) => cut(label, heldOut.declaration, length));
    report(`held-out articles, pieces of up to ${length} characters`, classifier, model, samples);
  }
  const everyday = texts.flatMap(({ label, heldOut }) => heldOut.everyday.map((text) => ({ label, text })));
  report('held-out everyday sentences, whole', classifier, model, everyday, true);
  for (const length of [10, 20]) {
    const starts = everyday.map(({ label, text }) => ({ label, text: text.slice(0, length) }));
    report(`held-out everyday sentences, first ${length} characters`, classifier, model, starts);
  }
  speed(classifier, model, texts);
}

/** Pieces of `length` characters, from word to word; a rest shorter than half is left out (a short whole text is not). */
function cut(label: string, texts: readonly string[], length: number): Sample[] {
  const pieces: Sample[] = [];
  for (const text of texts) {
    for (let start = 0; start < text.length;) {
      const piece = text.slice(start, start + length);
      if (start === 0 || piece.length >= length / 2) pieces.push({ label, text: piece });
      const next = text.indexOf(' ', start + length);
      start = text.includes(' ') ? (next === -1 ? text.length : next + 1) : start + length;
    }
  }
  return pieces;
}

function classify(classifier: Classifier, model: LayersModel, samples: readonly string[]): string[] {
  const rows = new Float32Array(samples.length * classifier.inputLength);
  samples.forEach((text, at) => {
    classifier.encode(text, rows.subarray(at * classifier.inputLength, (at + 1) * classifier.inputLength));
  });
  const output = predictRows(model, rows, samples.length, classifier.inputLength);
  const width = output.length / samples.length;
  return samples.map((_, at) => classifier.decode(output.subarray(at * width, (at + 1) * width)).label);
}

// Not in tf.tidy, which would walk through every number of the array it returns.
function predictRows(model: LayersModel, rows: Float32Array, count: number, length: number): Float32Array {
  const input = tf.tensor2d(rows, [count, length]);
  const output = model.predictOnBatch(input) as tf.Tensor;
  const scores = output.dataSync<'float32'>();
  tf.dispose([input, output]);
  return scores;
}

function report(
  title: string,
  classifier: Classifier,
  model: LayersModel,
  samples: readonly Sample[],
  list = false,
): void {
  const guesses: string[] = [];
  for (let at = 0; at < samples.length; at += 256) {
    const texts = samples.slice(at, at + 256).map((sample) => sample.text);
    guesses.push(...classify(classifier, model, texts));
  }
  const wrong = samples.map((sample, at) => ({ ...sample, guess: guesses[at] })).filter((s) => s.label !== s.guess);
  const share = 1 - wrong.length / samples.length;
  console.log(`${title}: ${(100 * share).toFixed(1)} % of ${samples.length}`);
  const pairs = new Map<string, number>();
  for (const { label, guess } of wrong) pairs.set(`${label}→${guess}`, (pairs.get(`${label}→${guess}`) ?? 0) + 1);
  const worst = [...pairs].sort((a, b) => b[1] - a[1]).slice(0, 8);
  if (worst.length > 0) console.log(`  most often: ${worst.map(([pair, count]) => `${pair} ${count}`).join(', ')}`);
  if (list) for (const { label, guess, text } of wrong) console.log(`  ${label}, guessed ${guess}: ${text}`);
}

function speed(classifier: Classifier, model: LayersModel, texts: readonly LanguageText[]): void {
  const samples = texts.flatMap(({ everyday }) => everyday).map((text) => text.slice(0, 60).padEnd(60, ` ${text}`));
  const row = new Float32Array(classifier.inputLength);
  for (let round = 0; round < 20; round++) for (const text of samples) classifier.encode(text, row);
  // By processor time, so that other work on the machine does not count.
  let before = process.cpuUsage();
  for (let round = 0; round < 40; round++) for (const text of samples) classifier.encode(text, row);
  const micros = processorMicros(before) / (40 * samples.length);
  console.log(`encode of about 60 characters: ${micros.toFixed(1)} µs`);
  for (const batch of [1, 32, 64]) {
    const rows = new Float32Array(batch * classifier.inputLength);
    for (let at = 0; at < batch; at++) {
      const text = samples[at % samples.length] ?? '';
      classifier.encode(text, rows.subarray(at * classifier.inputLength, (at + 1) * classifier.inputLength));
    }
    const run = (): Float32Array => predictRows(model, rows, batch, classifier.inputLength);
    for (let round = 0; round < 100; round++) run();
    before = process.cpuUsage();
    const rounds = 1000;
    for (let round = 0; round < rounds; round++) run();
    const rate = (batch * rounds * 1e6) / processorMicros(before);
    console.log(`predict, batches of ${batch}: ${Math.round(rate)} rows per second of processor time`);
  }
}

function processorMicros(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

if (import.meta.main) {
  await startWasmBackend();
  await measure();
}
