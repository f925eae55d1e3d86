import { readFile } from 'node:fs/promises';
import { io } from '@tensorflow/tfjs-core';

export interface NamedWeight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export const modelFolder = (name: string): URL => new URL(`../../models/${name}/`, import.meta.url);

export async function readManifest(name: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(new URL('manifest.json', modelFolder(name)), 'utf8')) as Record<string, unknown>;
}

/** A built-in model's files as TensorFlow.js takes them. */
export async function readArtifacts(name: string): Promise<io.ModelArtifacts> {
  const json = JSON.parse(await readFile(new URL('model.json', modelFolder(name)), 'utf8')) as io.ModelJSON;
  const bytes = await readFile(new URL('weights.bin', modelFolder(name)));
  const weights = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return io.getModelArtifactsForJSON(json, (manifest) => Promise.resolve([io.getWeightSpecs(manifest), weights]));
}

/** Its weights by name, decoded by TensorFlow.js itself. */
export async function readWeights(name: string): Promise<Map<string, NamedWeight>> {
  const { weightData, weightSpecs } = await readArtifacts(name);
  if (!weightSpecs || !(weightData instanceof ArrayBuffer)) throw new Error(`${name} has no weights.`);
  const weights = new Map<string, NamedWeight>();
  for (const [key, tensor] of Object.entries(io.decodeWeights(weightData, weightSpecs))) {
    weights.set(key, { shape: tensor.shape, data: tensor.dataSync<'float32'>() });
    tensor.dispose();
  }
  return weights;
}
