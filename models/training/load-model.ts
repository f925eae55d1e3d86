import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io } from '@tensorflow/tfjs-core';
import { loadLayersModel, type LayersModel } from '@tensorflow/tfjs-layers';

/** Loads `model.json` and `weights.bin` of a folder as they were saved, so that what is measured is what is shipped. */
export async function loadModel(folder: string): Promise<LayersModel> {
  const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as io.ModelJSON;
  const bytes = await readFile(join(folder, 'weights.bin'));
  const weights = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return loadLayersModel({
    load: () =>
      io.getModelArtifactsForJSON(json, (manifest) => Promise.resolve([io.getWeightSpecs(manifest), weights])),
  });
}
