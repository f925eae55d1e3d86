import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

type Quantised = 'uint8' | 'uint16';

/** Tensors smaller than this stay float32: quantising a bias saves nothing. */
const SMALLEST_QUANTISED = 1024;

/**
 * Writes `model.json` and `weights.bin` into `folder`: a layers model whose large weights are quantised in the
 * TensorFlow.js manifest's own affine form (value = q · scale + min), so any TensorFlow.js loads it.
 */
export async function saveModel(model: LayersModel, folder: string, quantised: Quantised): Promise<void> {
  const tensors: io.WeightsManifestEntry[] = [];
  const chunks: Buffer[] = [];
  for (const weight of model.weights) {
    const tensor = weight.read();
    const data = (await tensor.data()) as Float32Array;
    const entry: io.WeightsManifestEntry = { name: weight.originalName, shape: tensor.shape, dtype: 'float32' };
    if (data.length < SMALLEST_QUANTISED) {
      chunks.push(Buffer.from(data.slice().buffer));
    } else {
      const { bytes, min, scale } = quantise(data, quantised);
      entry.quantization = { dtype: quantised, min, scale, original_dtype: 'float32' } as NonNullable<
        io.WeightsManifestEntry['quantization']
      >;
      chunks.push(bytes);
    }
    tensors.push(entry);
  }
  const topology: unknown = model.toJSON(null, false);
  const json = {
    format: 'layers-model',
    generatedBy: 'Defter',
    convertedBy: null,
    modelTopology: topology,
    weightsManifest: [{ paths: ['weights.bin'], weights: tensors }],
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.json'), `${JSON.stringify(json)}\n`);
  await writeFile(join(folder, 'weights.bin'), Buffer.concat(chunks));
}

function quantise(data: Float32Array, type: Quantised): { bytes: Buffer; min: number; scale: number } {
  let min = Infinity;
  let max = -Infinity;
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const levels = type === 'uint8' ? 255 : 65535;
  const scale = (max - min) / levels || 1;
  const steps = type === 'uint8' ? new Uint8Array(data.length) : new Uint16Array(data.length);
  data.forEach((value, at) => (steps[at] = Math.round((value - min) / scale)));
  return { bytes: Buffer.from(steps.buffer), min, scale };
}
