// The runtime for TensorFlow.js layers models: each loaded model has a worker thread of its own, so running one never
// blocks the event loop that serves requests, and its death takes nothing else with it.

import { stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import type { Log } from '../logging/log.ts';
import { type LoadedModel, ModelLoadError, type ModelRuntime, type ModelSpec } from './model-runtime.ts';
import { openModelThread } from './model-thread.ts';
import { modelFiles } from './tensorflow-source.ts';

/**
 * MiB of new objects. Node gives a thread at its heap's limit 16 MiB to end in: with more new objects than that, what runs
 * out of memory takes the whole process with it now and then.
 */
const YOUNG_MB = 12;
/** What a thread with a wasm backend holds beyond its model's files (measured: see the bytes a load reports). */
const emptyThreadBytes = 60_000_000;

export interface TensorflowRuntimeOptions {
  /** The folder that holds the models' folders. Models hold code, so none is loaded from anywhere else. */
  readonly modelsFolder: string;
  readonly log: Log;
  /** Limit of each thread's JavaScript heap, in MB. */
  readonly maxHeapMb?: number;
  readonly loadTimeoutMs?: number;
  /** See `ModelThreadSettings`. */
  readonly stuckAfterMs?: number;
}

/** `source` of a model names a folder inside `modelsFolder` with manifest.json, model.json, weights.bin and handler.ts. */
export function openTensorflowRuntime(options: TensorflowRuntimeOptions): ModelRuntime {
  const { log, modelsFolder, maxHeapMb = 512, loadTimeoutMs = 60_000, stuckAfterMs = 10_000 } = options;
  const open = new Set<LoadedModel>();
  const loads = new Set<Promise<LoadedModel>>();
  const closing = new AbortController();

  return {
    async estimateBytes(spec) {
      return emptyThreadBytes + (await checkFolder(findFolder(modelsFolder, spec)));
    },

    async load(spec) {
      const folder = findFolder(modelsFolder, spec);
      await checkFolder(folder);
      if (closing.signal.aborted) throw new ModelLoadError('the runtime is closed', true);
      const load = openModelThread(spec.key, {
        start: { folder, groupPiecesMs: 10 },
        resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: YOUNG_MB, stackSizeMb: 4 },
        loadTimeoutMs,
        stuckAfterMs,
        signal: closing.signal,
        log,
      });
      loads.add(load);
      try {
        const model = await load;
        open.add(model);
        return { ...model, close: () => closeModel(model) };
      } finally {
        loads.delete(load);
      }
    },

    async close() {
      closing.abort();
      await Promise.allSettled(loads);
      await Promise.all([...open].map(closeModel));
    },
  };

  async function closeModel(model: LoadedModel): Promise<void> {
    open.delete(model);
    await model.close();
  }
}

function findFolder(modelsFolder: string, spec: ModelSpec): string {
  const folder = resolve(modelsFolder, spec.source);
  const within = relative(modelsFolder, folder);
  if (within === '' || within === '..' || within.startsWith(`..${sep}`)) {
    throw new ModelLoadError(`${spec.source}: the model's source is not a folder inside ${modelsFolder}`);
  }
  return folder;
}

/** The size of the model's files together, in bytes; throws `ModelLoadError` naming what is missing. */
async function checkFolder(folder: string): Promise<number> {
  let bytes = 0;
  for (const file of modelFiles) {
    const entry = await stat(join(folder, file)).catch(() => undefined);
    if (!entry?.isFile()) throw new ModelLoadError(`${folder}: ${file} is missing`);
    bytes += entry.size;
  }
  return bytes;
}
