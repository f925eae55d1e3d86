// Reads a model's folder: manifest.json (the handler's own), model.json (TensorFlow.js layers format) and weights.bin.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWeightSpecs, storedBytes, type WeightSpec } from './tensorflow-weights.ts';

export const modelFiles = ['manifest.json', 'model.json', 'weights.bin', 'handler.ts'] as const;

export interface TensorflowSource {
  readonly manifest: unknown;
  /** model.json, of which only the weights' specifications are checked; TensorFlow.js checks the rest. */
  readonly model: unknown;
  readonly specs: readonly WeightSpec[];
  /** weights.bin, as stored. */
  readonly weights: ArrayBuffer;
}

/** Throws an Error that names the file at fault. */
export async function readTensorflowSource(folder: string): Promise<TensorflowSource> {
  const [manifest, model, weights] = await Promise.all([
    readJson(folder, 'manifest.json'),
    readJson(folder, 'model.json'),
    readBytes(folder, 'weights.bin'),
  ]);
  const specs = parseWeightSpecs(model);
  const expected = specs.reduce((sum, spec) => sum + storedBytes(spec), 0);
  if (weights.byteLength !== expected) {
    throw new Error(`weights.bin has ${weights.byteLength} bytes where model.json names ${expected}`);
  }
  return { manifest, model, specs, weights };
}

async function readJson(folder: string, file: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(folder, file));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON`, { cause: error });
  }
}

async function readBytes(folder: string, file: string): Promise<ArrayBuffer> {
  try {
    const bytes = await readFile(join(folder, file));
    // A buffer of its own: what Node reads may lie inside a larger pool.
    return new Uint8Array(bytes).buffer;
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? `${file} is missing` : `${file} cannot be read (${code})`, { cause: error });
  }
}
