// Reads a model's folder: manifest.json (the handler's own), model.json (TensorFlow.js layers format) and weights.bin.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedWeight, Weights } from './tensorflow-handler.ts';

export const modelFiles = ['manifest.json', 'model.json', 'weights.bin', 'handler.ts'] as const;

/** One weight's entry in model.json's `weightsManifest`. */
interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** model.json as far as it is needed here; TensorFlow.js checks the rest. */
export interface ModelJson {
  readonly weightsManifest: readonly { readonly weights: readonly WeightSpec[] }[];
}

export interface TensorflowSource {
  readonly manifest: unknown;
  readonly model: ModelJson;
  readonly weights: ArrayBuffer;
}

/** Throws an Error that names the file at fault. */
export async function readTensorflowSource(folder: string): Promise<TensorflowSource> {
  const [manifest, model, weights] = await Promise.all([
    readJson(folder, 'manifest.json'),
    readJson(folder, 'model.json'),
    readBytes(folder, 'weights.bin'),
  ]);
  const checked = checkModelJson(model);
  const expected = specs(checked).reduce((sum, spec) => sum + byteLength(spec), 0);
  if (weights.byteLength !== expected) {
    throw new Error(`weights.bin has ${weights.byteLength} bytes where model.json names ${expected}`);
  }
  return { manifest, model: checked, weights };
}

/** The weights by name, as plain arrays that share weights.bin's memory. No TensorFlow is needed for this. */
export function createWeights(source: TensorflowSource): Weights {
  const weights = new Map<string, NamedWeight>();
  let offset = 0;
  for (const spec of specs(source.model)) {
    const length = byteLength(spec) / Float32Array.BYTES_PER_ELEMENT;
    weights.set(spec.name, { shape: spec.shape, data: new Float32Array(source.weights, offset, length) });
    offset += byteLength(spec);
  }
  return weights;
}

function specs(model: ModelJson): WeightSpec[] {
  return model.weightsManifest.flatMap((group) => group.weights);
}

function byteLength(spec: WeightSpec): number {
  return spec.shape.reduce((product, side) => product * side, 1) * Float32Array.BYTES_PER_ELEMENT;
}

function checkModelJson(value: unknown): ModelJson {
  const groups = (value as Partial<ModelJson> | null)?.weightsManifest;
  if (!Array.isArray(groups)) throw new Error('model.json has no weightsManifest');
  for (const group of groups as readonly { readonly weights?: unknown }[]) {
    if (!Array.isArray(group.weights)) throw new Error('model.json: a group of weightsManifest has no weights');
    for (const spec of group.weights as readonly Partial<WeightSpec & { quantization: unknown }>[]) {
      if (typeof spec.name !== 'string' || !isShape(spec.shape)) {
        throw new Error('model.json: a weight has no name or no shape');
      }
      // Only whole float32 weights: the offsets above rely on it, and nothing here writes any other.
      if (spec.dtype !== 'float32' || spec.quantization !== undefined) {
        throw new Error(`model.json: weight ${spec.name} is not plain float32`);
      }
    }
  }
  return value as ModelJson;
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);
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
    // An own buffer: views on weights must start on a multiple of four, which Node's pooled buffers do not promise.
    return new Uint8Array(bytes).buffer;
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? `${file} is missing` : `${file} cannot be read (${code})`, { cause: error });
  }
}
