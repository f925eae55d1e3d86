import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { expect } from 'chai';
import fc from 'fast-check';
import { readCorpus } from '../../models/tiny-writer/corpus/read-corpus.ts';
import { createGruNetwork } from '../../models/tiny-writer/gru-network.ts';
import { createGenerator, type Generator, type Session } from '../../models/tiny-writer/handler.ts';
import { createSampler } from '../../models/tiny-writer/sampler.ts';
import { createStopFilter } from '../../models/tiny-writer/stop-filter.ts';
import { alphabet, encodeText } from '../../models/tiny-writer/vocabulary.ts';
import { readArtifacts, readManifest, readWeights, type NamedWeight } from './load-weights.ts';

interface Written {
  readonly text: string;
  readonly pieces: readonly string[];
  readonly finishReason: 'stop' | 'length';
  readonly outputTokens: number;
}

function finish(session: Session): Written {
  const pieces: string[] = [];
  for (;;) {
    const piece = session.next();
    if ('finishReason' in piece) return { ...piece, pieces };
    pieces.push(piece.text);
  }
}

describe('models/tiny-writer', () => {
  let generator: Generator;
  let weights: Map<string, NamedWeight>;
  const write = (input: string, parameters: Record<string, unknown>): Written =>
    finish(generator.start(input, parameters));

  before(async () => {
    const require = createRequire(import.meta.url);
    setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
    await tf.setBackend('wasm');
    weights = await readWeights('tiny-writer');
    generator = createGenerator(weights, await readManifest('tiny-writer'));
  });

  it('computes what the TensorFlow.js model computes', async () => {
    const artifacts = await readArtifacts('tiny-writer');
    const model = await loadLayersModel({ load: () => Promise.resolve(artifacts) });
    const symbols = encodeText('Once upon a time, "there was a ledger".');
    const expected = tf.tidy(() => {
      const input = tf.expandDims(tf.oneHot(tf.tensor1d(symbols, 'int32'), alphabet.length), 0);
      return Array.from((model.predict(input) as tf.Tensor).dataSync<'float32'>());
    });
    const network = createGruNetwork(weights);
    const state = network.start();
    for (const symbol of symbols) network.step(state, symbol);
    const logits = Array.from(network.score(state), Math.exp);
    const total = logits.reduce((sum, value) => sum + value, 0);
    const last = expected.slice(-alphabet.length);
    logits.forEach((value, at) => expect(value / total).to.be.closeTo(last[at] as number, 1e-4));
  });

  it('writes English words, nearly all of them', async () => {
    const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z]+/g) ?? [];
    const english = new Set(wordsOf((await readCorpus()).training));
    const inputs = ['', 'Once upon a time', 'The ledger', 'It was raining'];
    const words = inputs.flatMap((input) => wordsOf(write(input, { seed: 3, max_tokens: 1000 }).text));
    expect(words.length).to.be.greaterThan(500);
    expect(new Set(words).size).to.be.greaterThan(150);
    // Measured 96.6 % over ten texts at the default temperature.
    expect(words.filter((word) => english.has(word)).length / words.length).to.be.greaterThan(0.94);
  });

  it('writes the same text for the same seed, and pieces that make up the whole', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.integer({ min: 0, max: 4294967295 }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 1, max: 60 }),
        (input, seed, temperature, topK, maxTokens) => {
          const parameters = { seed, temperature, top_k: topK, max_tokens: maxTokens };
          const first = write(input, parameters);
          expect(write(input, parameters)).to.deep.equal(first);
          expect(first.pieces.join('')).to.equal(first.text);
          expect(first.text).to.have.length(maxTokens);
          expect(first.outputTokens).to.equal(maxTokens);
          expect(first.finishReason).to.equal('length');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('ends before a stop sequence, never shows a part of one, and keeps what only looked like one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 }),
        fc.array(
          fc.string({ unit: fc.constantFrom(' ', 'a', 'e', 'h', 'n', 'o', 't', '.'), minLength: 1, maxLength: 4 }),
          { maxLength: 4 },
        ),
        (seed, stop) => {
          const free = write('', { seed, max_tokens: 80 });
          const held = write('', { seed, max_tokens: 80, stop });
          expect(held.pieces.join('')).to.equal(held.text);
          for (const sequence of stop) expect(held.text.includes(sequence), sequence).to.equal(false);
          expect(free.text.startsWith(held.text)).to.equal(true);
          if (held.finishReason === 'length') expect(held.text).to.equal(free.text);
          else expect(stop.some((sequence) => free.text.startsWith(held.text + sequence))).to.equal(true);
          expect(held.outputTokens).to.be.at.most(80).and.at.least(held.text.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes the most likely character at temperature 0 and with top_k 1, whatever the seed', () => {
    const greedy = write('The ledger', { temperature: 0, seed: 1, max_tokens: 80 }).text;
    expect(write('The ledger', { temperature: 0, seed: 2, max_tokens: 80 }).text).to.equal(greedy);
    expect(write('The ledger', { temperature: 1.5, top_k: 1, seed: 3, max_tokens: 80 }).text).to.equal(greedy);
  });

  it('varies with the seed, and from run to run without one', () => {
    const texts = new Set([1, 2, 3, 4].map((seed) => write('', { seed, temperature: 1, max_tokens: 80 }).text));
    expect(texts.size).to.equal(4);
    const unseeded = new Set([1, 2, 3].map(() => write('', { temperature: 1, max_tokens: 80 }).text));
    expect(unseeded.size).to.be.greaterThan(1);
  });

  it('fills in the defaults of its manifest', () => {
    expect(write('', { seed: 5 })).to.deep.equal(write('', { seed: 5, temperature: 0.7, max_tokens: 200, top_k: 0 }));
  });

  it('keeps interleaved sessions apart', () => {
    const alone = [1, 2, 3].map((seed) => write('It was', { seed, max_tokens: 50 }).text);
    const sessions = [1, 2, 3].map((seed) => generator.start('It was', { seed, max_tokens: 50 }));
    for (let round = 0; round < 200; round++) for (const session of sessions) session.next();
    expect(sessions.map((session) => finish(session).text)).to.deep.equal(alone);
  });

  it('counts the input as it reads it, however long or strange', () => {
    expect(generator.start('', {}).inputTokens).to.equal(0);
    expect(generator.start('abc', {}).inputTokens).to.equal(3);
    const session = generator.start('x'.repeat(4000), { max_tokens: 1, seed: 1 });
    expect(session.inputTokens).to.equal(4000);
    expect(finish(session).text).to.have.length(1);
    expect(write('日本語 🙂 \u0000', { max_tokens: 5, seed: 1 }).text).to.have.length(5);
  });

  it('reads quotes, dashes and accents as their plain forms', () => {
    expect(encodeText('“Çok” – naïve\r\n')).to.deep.equal(encodeText('"Cok" - naive\n'));
    expect(encodeText('e\u0301')).to.deep.equal(encodeText('e'));
    expect(encodeText('漢')).to.deep.equal(encodeText(' '));
  });

  it('draws only from the k best, in proportion to the temperature', () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 5, maxLength: 40, min: -20, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer(),
        (logits, topK, seed) => {
          const least = Float32Array.from(logits).sort()[logits.length - topK] as number;
          const sample = createSampler({ temperature: 2, topK, seed });
          for (let draw = 0; draw < 20; draw++) expect(logits[sample(logits)]).to.be.at.least(least);
        },
      ),
    );
    const sample = createSampler({ temperature: 0.5, topK: 0, seed: 9 });
    const logits = Float32Array.of(0, Math.log(2));
    let second = 0;
    for (let draw = 0; draw < 20_000; draw++) second += sample(logits);
    expect(second / 20_000).to.be.closeTo(0.8, 0.02);
  });

  it('finds a stop sequence that overlaps its own beginning', () => {
    const filter = createStopFilter(['aab']);
    const shown = Array.from('aaab', (character) => filter.push(character));
    expect(shown.map(({ text }) => text).join('')).to.equal('a');
    expect(shown.at(-1)?.stopped).to.equal(true);
  });

  it('refuses weights that do not fit', () => {
    expect(() => createGenerator(new Map(), {})).to.throw('gru/kernel is missing');
    const broken = new Map(weights).set('next/bias', { shape: [3], data: new Float32Array(3) });
    expect(() => createGenerator(broken, {})).to.throw('next/bias');
  });
});
