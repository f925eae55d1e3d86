// Back-propagation through time for one GRU layer and a softmax, written out. The automatic gradients of TensorFlow.js
// run some forty small kernels per character here and spend most of the time between them; this runs four matrix
// products per character on the wasm backend, does the rest in loops, and is several times faster.
// Equations: see gru-network.ts. Arrays are time-major: [length, batch, …].

import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../training/random.ts';
import { beside, columns, multiply, multiplyTransposed } from './matrices.ts';

export interface GruWeights {
  /** [symbols, 3 × units]: update, reset, candidate. */
  readonly kernel: Float32Array;
  /** [units, 3 × units] */
  readonly recurrent: Float32Array;
  /** [3 × units] */
  readonly bias: Float32Array;
  /** [units, symbols] */
  readonly outKernel: Float32Array;
  /** [symbols] */
  readonly outBias: Float32Array;
}

export interface GruShape {
  readonly symbols: number;
  readonly units: number;
  readonly batch: number;
  readonly length: number;
}

export interface GruTrainer {
  readonly weights: GruWeights;
  /**
   * One Adam step on `length` inputs and answers of `batch` texts (time-major symbols). The hidden state carries on
   * from the step before. Returns the mean loss in bits per character.
   */
  step(inputs: Uint8Array, answers: Uint8Array, learningRate: number): number;
}

const CLIP = 1;

export function createGruTrainer({ symbols, units, batch, length }: GruShape, random: Random): GruTrainer {
  const gates = 3 * units;
  const weights: GruWeights = {
    kernel: glorot(symbols, gates, random),
    recurrent: glorot(units, gates, random),
    bias: new Float32Array(gates),
    outKernel: glorot(units, symbols, random),
    outBias: new Float32Array(symbols),
  };
  const names = ['kernel', 'recurrent', 'bias', 'outKernel', 'outBias'] as const;
  const moments = names.map((name) => createAdam(weights[name]));
  const state = new Float32Array(batch * units);
  const size = batch * units;

  return {
    weights,
    step(inputs, answers, learningRate) {
      const { kernel, recurrent, bias, outKernel, outBias } = weights;
      const recurrentZR = columns(recurrent, units, gates, 0, 2 * units);
      const recurrentC = columns(recurrent, units, gates, 2 * units, gates);
      const gateWeights = tf.tensor2d(recurrentZR, [units, 2 * units]);
      const candidateWeights = tf.tensor2d(recurrentC, [units, units]);
      const gateWeightsT = tf.transpose(gateWeights);
      const candidateWeightsT = tf.transpose(candidateWeights);

      // Forward. hidden[t] is the state before step t.
      const hidden = new Float32Array((length + 1) * size);
      hidden.set(state);
      const update = new Float32Array(length * size);
      const reset = new Float32Array(length * size);
      const candidate = new Float32Array(length * size);
      const gated = new Float32Array(length * size);
      for (let time = 0; time < length; time++) {
        const now = time * size;
        const products = multiply(hidden.subarray(now, now + size), batch, units, gateWeights);
        for (let text = 0; text < batch; text++) {
          const input = (inputs[time * batch + text] as number) * gates;
          for (let unit = 0; unit < units; unit++) {
            const at = now + text * units + unit;
            const row = text * 2 * units + unit;
            const z = f(products, row) + f(kernel, input + unit) + f(bias, unit);
            const r = f(products, row + units) + f(kernel, input + units + unit) + f(bias, units + unit);
            update[at] = 1 / (1 + Math.exp(-z));
            const open = (reset[at] = 1 / (1 + Math.exp(-r)));
            gated[at] = open * f(hidden, at);
          }
        }
        const inner = multiply(gated.subarray(now, now + size), batch, units, candidateWeights);
        for (let text = 0; text < batch; text++) {
          const input = (inputs[time * batch + text] as number) * gates + 2 * units;
          for (let unit = 0; unit < units; unit++) {
            const at = now + text * units + unit;
            const c = Math.tanh(f(inner, text * units + unit) + f(kernel, input + unit) + f(bias, 2 * units + unit));
            candidate[at] = c;
            hidden[at + size] = f(update, at) * f(hidden, at) + (1 - f(update, at)) * c;
          }
        }
      }
      state.set(hidden.subarray(length * size));

      // Softmax and its gradient, for all characters at once.
      const rows = length * batch;
      const outputs = hidden.subarray(size);
      const outTensor = tf.tensor2d(outKernel, [units, symbols]);
      const scores = multiply(outputs, rows, units, outTensor);
      const loss = softmaxGradient(scores, outBias, answers, symbols);
      const outTensorT = tf.transpose(outTensor);
      const hiddenGradients = multiply(scores, rows, symbols, outTensorT);

      // Backward.
      const gateGradients = new Float32Array(rows * 2 * units);
      const candidateGradients = new Float32Array(rows * units);
      const carried = new Float32Array(size);
      for (let time = length - 1; time >= 0; time--) {
        const now = time * size;
        for (let at = 0; at < size; at++) {
          const gradient = (carried[at] = f(carried, at) + f(hiddenGradients, now + at));
          const c = f(candidate, now + at);
          candidateGradients[now + at] = gradient * (1 - f(update, now + at)) * (1 - c * c);
        }
        const gatedGradients = multiply(candidateGradients.subarray(now, now + size), batch, units, candidateWeightsT);
        for (let text = 0; text < batch; text++) {
          for (let unit = 0; unit < units; unit++) {
            const at = text * units + unit;
            const z = f(update, now + at);
            const r = f(reset, now + at);
            const before = f(hidden, now + at);
            const row = (time * batch + text) * 2 * units + unit;
            gateGradients[row] = f(carried, at) * (before - f(candidate, now + at)) * z * (1 - z);
            gateGradients[row + units] = f(gatedGradients, at) * before * r * (1 - r);
            carried[at] = f(carried, at) * z + f(gatedGradients, at) * r;
          }
        }
        const from = time * batch * 2 * units;
        const through = multiply(gateGradients.subarray(from, from + 2 * size), batch, 2 * units, gateWeightsT);
        for (let at = 0; at < size; at++) carried[at] = f(carried, at) + f(through, at);
      }

      // Gradients of the weights, one large product each.
      const before = hidden.subarray(0, length * size);
      const gateSums = multiplyTransposed(before, units, gateGradients, 2 * units, rows);
      const candidateSums = multiplyTransposed(gated, units, candidateGradients, units, rows);
      const gradients = {
        kernel: new Float32Array(kernel.length),
        recurrent: beside(gateSums, candidateSums, units, 2 * units, units),
        bias: new Float32Array(gates),
        outKernel: multiplyTransposed(outputs, units, scores, symbols, rows),
        outBias: new Float32Array(symbols),
      };
      for (let row = 0; row < rows; row++) {
        const input = (inputs[row] as number) * gates;
        for (let gate = 0; gate < gates; gate++) {
          const value =
            gate < 2 * units
              ? f(gateGradients, row * 2 * units + gate)
              : f(candidateGradients, row * units + gate - 2 * units);
          gradients.kernel[input + gate] = f(gradients.kernel, input + gate) + value;
          gradients.bias[gate] = f(gradients.bias, gate) + value;
        }
        for (let symbol = 0; symbol < symbols; symbol++) {
          gradients.outBias[symbol] = f(gradients.outBias, symbol) + f(scores, row * symbols + symbol);
        }
      }
      tf.dispose([gateWeights, candidateWeights, gateWeightsT, candidateWeightsT, outTensor, outTensorT]);

      let norm = 0;
      for (const name of names) for (const value of gradients[name]) norm += value * value;
      const scale = Math.min(1, CLIP / Math.sqrt(norm));
      names.forEach((name, at) => moments[at]?.(weights[name], gradients[name], scale, learningRate));
      return loss / Math.LN2;
    },
  };
}

/** Indexing within bounds, as a number. */
function f(array: Float32Array, at: number): number {
  return array[at] as number;
}

/** Turns scores into (softmax − answer) / rows in place; returns the mean loss in nats. */
function softmaxGradient(scores: Float32Array, bias: Float32Array, answers: Uint8Array, symbols: number): number {
  const rows = answers.length;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * symbols;
    let maximum = -Infinity;
    for (let symbol = 0; symbol < symbols; symbol++) {
      const score = (scores[start + symbol] = f(scores, start + symbol) + f(bias, symbol));
      if (score > maximum) maximum = score;
    }
    let total = 0;
    for (let symbol = 0; symbol < symbols; symbol++) {
      total += scores[start + symbol] = Math.exp(f(scores, start + symbol) - maximum);
    }
    const answer = start + (answers[row] as number);
    loss -= Math.log(f(scores, answer) / total);
    for (let symbol = 0; symbol < symbols; symbol++) scores[start + symbol] = f(scores, start + symbol) / total / rows;
    scores[answer] = f(scores, answer) - 1 / rows;
  }
  return loss / rows;
}

/** Adam with its usual constants, in place. */
function createAdam(
  weights: Float32Array,
): (weights: Float32Array, gradients: Float32Array, scale: number, learningRate: number) => void {
  const first = new Float32Array(weights.length);
  const second = new Float32Array(weights.length);
  let steps = 0;
  return (target, gradients, scale, learningRate) => {
    steps++;
    const rate = (learningRate * Math.sqrt(1 - 0.999 ** steps)) / (1 - 0.9 ** steps);
    for (let at = 0; at < target.length; at++) {
      const gradient = f(gradients, at) * scale;
      const mean = (first[at] = 0.9 * f(first, at) + 0.1 * gradient);
      const square = (second[at] = 0.999 * f(second, at) + 0.001 * gradient * gradient);
      target[at] = f(target, at) - (rate * mean) / (Math.sqrt(square) + 1e-8);
    }
  };
}

function glorot(rows: number, columns: number, random: Random): Float32Array {
  const limit = Math.sqrt(6 / (rows + columns));
  return Float32Array.from({ length: rows * columns }, () => (random.next() * 2 - 1) * limit);
}
