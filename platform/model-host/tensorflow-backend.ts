// The TensorFlow.js side of a classifier: loads the layers model and runs rows through it, on wasm or on tfjs-node
// where that is installed and faster. Imported by model threads only; importing it takes 0.2 s.

import util from 'node:util';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import type { TensorflowSource } from './tensorflow-source.ts';

/**
 * Rows in one prediction. On wasm 32 rows go through at 58k rows/s where 1 goes at 5k and 256 at 12k (1024-128-12,
 * one core); a change of size costs nothing measurable, so the last part of a batch is not padded.
 */
export const rowsPerPrediction = 32;

export interface TensorflowBackend {
  readonly engine: string;
  /** `rows` holds whole rows of `inputLength` numbers, at most `rowsPerPrediction`; answers as many rows, one after another. */
  predict(rows: Float32Array, inputLength: number): Float32Array;
  /** Tensors alive: the same after every prediction, or memory leaks. */
  tensors(): number;
}

/** Throws an Error that names what is wrong with the model. `inputLength` is what the handler encodes. */
export async function openTensorflowBackend(source: TensorflowSource, inputLength: number): Promise<TensorflowBackend> {
  tf.env().set('PROD', true);
  await useBackend('wasm');
  const model = await loadModel(source);
  checkShapes(model, inputLength);

  function predict(rows: Float32Array): Float32Array {
    let answered: Float32Array | undefined;
    // Not returned from `tidy`, which would look for tensors in each element of it.
    tf.tidy(() => {
      const answer = model.predictOnBatch(tf.tensor2d(rows, [rows.length / inputLength, inputLength]));
      if (Array.isArray(answer)) throw new Error('model.json: the model has more than one output');
      answered = answer.dataSync<'float32'>();
    });
    return answered as unknown as Float32Array;
  }

  const engine = await chooseEngine(() => predict(new Float32Array(rowsPerPrediction * inputLength)));
  // The first prediction compiles; do that before anybody waits for it.
  predict(new Float32Array(inputLength));
  return { engine, predict, tensors: () => tf.memory().numTensors };
}

async function loadModel(source: TensorflowSource): Promise<LayersModel> {
  const json = source.model as tf.io.ModelJSON;
  if (!('modelTopology' in json)) throw new Error('model.json has no modelTopology');
  const artifacts = await tf.io.getModelArtifactsForJSON(json, (manifest) =>
    Promise.resolve([manifest.flatMap((group) => group.weights), source.weights]),
  );
  return loadLayersModel(tf.io.fromMemory(artifacts));
}

function checkShapes(model: LayersModel, inputLength: number): void {
  if (model.inputs.length !== 1) throw new Error(`model.json: the model has ${model.inputs.length} inputs, not one`);
  const shape = model.inputs[0]?.shape ?? [];
  if (shape.length !== 2 || shape[1] !== inputLength) {
    throw new Error(`handler.ts encodes rows of ${inputLength}, but the model's input is [${shape.join(', ')}]`);
  }
}

/** How much faster than wasm tfjs-node must be to be taken: a fault in native code ends the whole process. */
const worthNative = 1.25;

/** Measures both engines on a full batch where both are there, and leaves the better one set. */
async function chooseEngine(predictOnce: () => void): Promise<string> {
  if (!(await importTfjsNode())) return 'wasm';
  // Importing tfjs-node sets its backend by itself.
  await useBackend('wasm');
  const wasm = fastest(predictOnce);
  await useBackend('tensorflow');
  if (fastest(predictOnce) * worthNative < wasm) return 'tfjs-node';
  await useBackend('wasm');
  return 'wasm';
}

/** tfjs-node is optional: its native library is downloaded when it is installed, which may fail or be unwanted. */
async function importTfjsNode(): Promise<boolean> {
  // tfjs-node 4.22 calls these two, which Node 23 removed.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
  // A variable, so that the type checker does not ask for a package that need not be there.
  const name: string = '@tensorflow/tfjs-node';
  try {
    await import(name);
    return tf.findBackend('tensorflow') !== null;
  } catch {
    return false;
  }
}

async function useBackend(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`the TensorFlow.js backend ${name} does not start here`);
}

/** Milliseconds of the best run: of at least 20, then until 200 ms are spent; a busy machine slows some, not all. */
function fastest(run: () => void): number {
  const until = performance.now() + 200;
  let best = Infinity;
  for (let runs = 0; runs < 20 || (runs < 200 && performance.now() < until); runs += 1) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
