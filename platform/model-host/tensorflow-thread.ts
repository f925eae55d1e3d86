// The script of a model's worker thread: loads one model folder, says `ready` or `failed`, then answers runs.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { itemTimedOut } from './item-errors.ts';
import { createGeneratorSchedule } from './tensorflow-generator.ts';
import { type Classifier, createHandler, type Generator, type Handler } from './tensorflow-handler.ts';
import type { FromThread, ThreadStart, ToThread } from './tensorflow-messages.ts';
import { readTensorflowSource, type TensorflowSource } from './tensorflow-source.ts';
import { createWeights } from './tensorflow-weights.ts';
import { asError } from '../errors.ts';

/** How long generating goes on before messages (a cancel, a new run) are read. */
const sliceMs = 2;

type Serve = (message: ToThread) => void;

const port = parentPort;
if (!port) throw new Error('tensorflow-thread.ts is the script of a worker thread');
const start = workerData as ThreadStart;

try {
  const source = await readTensorflowSource(start.folder);
  const handler = createHandler(await importHandler());
  const { serve, engine } = await openModel(handler, source);
  port.on('message', serve);
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  post({ type: 'ready', bytes: heap + external, engine });
} catch (error) {
  post({ type: 'failed', message: asError(error).message });
}

async function openModel(handler: Handler, source: TensorflowSource): Promise<{ serve: Serve; engine: string }> {
  if (handler.kind === 'generator') {
    // Weights only: a generator computes for itself, so TensorFlow.js is not even imported.
    return {
      serve: serveGenerator(handler.create(createWeights(source.specs, source.weights), source.manifest)),
      engine: 'plain',
    };
  }
  return openClassifier(handler.create(source.manifest), source);
}

async function openClassifier(
  classifier: Classifier,
  source: TensorflowSource,
): Promise<{ serve: Serve; engine: string }> {
  const { openTensorflowBackend, rowsPerPrediction } = await import('./tensorflow-backend.ts');
  const { classify } = await import('./tensorflow-classifier.ts');
  const backend = await openTensorflowBackend(source, classifier.inputLength);
  const rows = new Float32Array(rowsPerPrediction * classifier.inputLength);
  const serve: Serve = (message) => {
    if (message.type === 'drop') return post({ type: 'alive' });
    const { run, inputs, parameters } = message;
    const late = message.deadline <= Date.now();
    const results = late
      ? inputs.map(() => itemTimedOut)
      : classify(classifier, backend, rows, inputs, parameters, fault);
    post({ type: 'results', run, json: JSON.stringify(results) });
  };
  return { serve, engine: backend.engine };
}

function serveGenerator(generator: Generator): Serve {
  const schedule = createGeneratorSchedule(generator, fault);
  let sentAt = 0;
  let working = false;

  function work(): void {
    working = schedule.work(sliceMs);
    const now = performance.now();
    if (!working || now - sentAt >= start.groupPiecesMs) {
      const { pieces, results } = schedule.take();
      if (pieces.length + results.length > 0) {
        post({ type: 'progress', pieces, results });
        sentAt = now;
      }
    }
    if (working) setImmediate(work);
  }

  return (message) => {
    if (message.type === 'drop') {
      schedule.drop(message.run, message.places);
      return post({ type: 'alive' });
    }
    schedule.add(message);
    if (!working) setImmediate(work);
    working = true;
  };
}

async function importHandler(): Promise<object> {
  try {
    return (await import(pathToFileURL(join(start.folder, 'handler.ts')).href)) as object;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const reason = asError(error).message;
    throw new Error(missing ? 'handler.ts is missing' : `handler.ts cannot be imported: ${reason}`, { cause: error });
  }
}

function fault(error: string, at: readonly string[]): void {
  post({ type: 'fault', error, at });
}

function post(message: FromThread): void {
  port?.postMessage(message);
}
