// The weights of a TensorFlow.js model as plain arrays, for generators: no TensorFlow.js is needed for this.
// Format: `weightsManifest` of model.json, weights one after another in weights.bin, each float32 or an affine
// quantization of it (value = stored × scale + min), as tfjs-core's `decodeWeights` reads them.

import type { NamedWeight, Weights } from './tensorflow-handler.ts';

/** One weight's entry in `weightsManifest`. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly quantization?: { readonly dtype: 'uint8' | 'uint16'; readonly min: number; readonly scale: number };
}

/** The weights of a model.json, in the order in which weights.bin holds them. Throws an Error that names the weight at fault. */
export function parseWeightSpecs(model: unknown): WeightSpec[] {
  const groups = (model as { weightsManifest?: unknown } | null)?.weightsManifest;
  if (!Array.isArray(groups)) throw new Error('model.json has no weightsManifest');
  return groups.flatMap((group: { readonly weights?: unknown } | null) => {
    if (!Array.isArray(group?.weights)) throw new Error('model.json: a group of weightsManifest has no weights');
    return group.weights.map(parseWeightSpec);
  });
}

function parseWeightSpec(entry: unknown): WeightSpec {
  const { name, shape, dtype, quantization } = (entry ?? {}) as Partial<Record<string, unknown>>;
  if (typeof name !== 'string') throw new Error('model.json: a weight has no name');
  if (!Array.isArray(shape) || !shape.every((side) => Number.isSafeInteger(side) && side >= 0)) {
    throw new Error(`model.json: weight ${name} has no shape`);
  }
  if (dtype !== 'float32') throw new Error(`model.json: weight ${name} is not float32`);
  if (quantization === undefined) return { name, shape };
  const { dtype: stored, min, scale } = (quantization ?? {}) as Partial<Record<string, unknown>>;
  if ((stored !== 'uint8' && stored !== 'uint16') || typeof min !== 'number' || typeof scale !== 'number') {
    throw new Error(`model.json: weight ${name} is quantized, but not to uint8 or uint16 with min and scale`);
  }
  return { name, shape, quantization: { dtype: stored, min, scale } };
}

const bytesPerValue = { uint8: 1, uint16: 2, float32: 4 };

/** What a weight takes in weights.bin. */
export function storedBytes({ shape, quantization }: WeightSpec): number {
  return shape.reduce((product, side) => product * side, 1) * bytesPerValue[quantization?.dtype ?? 'float32'];
}

/** The weights by name, as float32. `stored` is weights.bin, checked to be as long as the specifications say. */
export function createWeights(specs: readonly WeightSpec[], stored: ArrayBuffer): Weights {
  const weights = new Map<string, NamedWeight>();
  let offset = 0;
  for (const spec of specs) {
    const end = offset + storedBytes(spec);
    // A copy: a view would have to begin at a multiple of its element's size.
    weights.set(spec.name, { shape: spec.shape, data: decode(spec, stored.slice(offset, end)) });
    offset = end;
  }
  return weights;
}

function decode({ quantization }: WeightSpec, bytes: ArrayBuffer): Float32Array {
  if (!quantization) return new Float32Array(bytes);
  const { dtype, min, scale } = quantization;
  const values = dtype === 'uint8' ? new Uint8Array(bytes) : new Uint16Array(bytes);
  return Float32Array.from(values, (value) => value * scale + min);
}
