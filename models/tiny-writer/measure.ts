// Measures the saved model on text it has not seen: `node models/tiny-writer/measure.ts`.

import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { loadModel } from '../training/load-model.ts';
import { startWasmBackend } from '../training/wasm-backend.ts';
import { readCorpus } from './corpus/read-corpus.ts';
import { createGruNetwork, type GruNetwork, type NamedWeight } from './gru-network.ts';
import { createGenerator } from './handler.ts';
import { alphabet, encodeText } from './vocabulary.ts';

/** Prints bits per character, how far the loops are from the graph, how many words are English, speed and samples. */
export async function measure(): Promise<void> {
  const model = await loadModel(fileURLToPath(new URL('.', import.meta.url)));
  const weights = new Map<string, NamedWeight>();
  for (const weight of model.weights) {
    const tensor = weight.read();
    weights.set(weight.originalName, { shape: tensor.shape, data: await tensor.data<'float32'>() });
  }
  const network = createGruNetwork(weights);
  const { training, unseenStories, prose } = await readCorpus();
  console.log(
    `training text (first 20,000): ${bitsPerCharacter(network, training.slice(0, 20_000)).toFixed(3)} bits/char`,
  );
  console.log(`unseen stories: ${bitsPerCharacter(network, unseenStories).toFixed(3)} bits/char`);
  console.log(`hand-written prose, held out: ${bitsPerCharacter(network, prose).toFixed(3)} bits/char`);

  const piece = encodeText(prose.slice(0, 60));
  const graph = tf.tidy(() => {
    const input = tf.expandDims<tf.Tensor3D>(tf.oneHot(tf.tensor1d(piece, 'int32'), alphabet.length), 0);
    return (model.predict(input) as tf.Tensor).dataSync<'float32'>();
  });
  const state = network.start();
  let furthest = 0;
  piece.forEach((symbol, at) => {
    network.step(state, symbol);
    const shares = softmax(network.score(state));
    shares.forEach((share, next) => {
      furthest = Math.max(furthest, Math.abs(share - (graph[at * alphabet.length + next] as number)));
    });
  });
  console.log(`largest difference between loops and graph: ${furthest.toExponential(1)}`);

  const generator = createGenerator(weights, {});
  const write = (prompt: string, parameters: Record<string, unknown>): string => {
    const session = generator.start(prompt, parameters);
    for (;;) {
      const piece = session.next();
      if ('finishReason' in piece) return piece.text;
    }
  };
  const known = new Set(words(training));
  for (const temperature of [0.5, 0.7, 1]) {
    const written = Array.from({ length: 10 }, (_, seed) => write('', { temperature, seed, max_tokens: 1000 })).join(
      ' ',
    );
    const found = words(written);
    const real = found.filter((word) => known.has(word)).length / found.length;
    console.log(
      `temperature ${temperature}: ${(100 * real).toFixed(1)} % of ${found.length} words are in the training text`,
    );
  }
  // By processor time, so that other work on the machine does not count. The first texts warm the loops up.
  for (let seed = 1; seed <= 5; seed++) write('', { seed, max_tokens: 2000 });
  const before = process.cpuUsage();
  let length = 0;
  for (let seed = 1; seed <= 10; seed++) length += write('', { seed, max_tokens: 2000 }).length;
  const { user, system } = process.cpuUsage(before);
  console.log(`${Math.round((length * 1e6) / (user + system))} characters per second of processor time`);
  for (const prompt of ['Once upon a time', 'The ledger', 'It was raining', '"Where is the key?"', '']) {
    console.log(`--- ${JSON.stringify(prompt)}\n${prompt}${write(prompt, { seed: 7, max_tokens: 300 })}`);
  }
}

function bitsPerCharacter(network: GruNetwork, text: string): number {
  const state = network.start();
  const encoded = encodeText(text);
  let bits = 0;
  network.step(state, 0);
  for (const symbol of encoded) {
    bits -= Math.log2(softmax(network.score(state))[symbol] as number);
    network.step(state, symbol);
  }
  return bits / encoded.length;
}

function softmax(logits: Float32Array): Float64Array {
  const maximum = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const shares = Float64Array.from(logits, (value) => Math.exp(value - maximum));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}

if (import.meta.main) {
  await startWasmBackend();
  await measure();
}
