// What a model's folder says of the model: read when it is registered, and by its handler when it is loaded.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelLoadError } from './model-runtime.ts';

const parameter = z.object({
  name: z.string(),
  type: z.enum(['number', 'integer', 'string', 'string-array']),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxItems: z.number().int().optional(),
  maxLength: z.number().int().optional(),
  default: z.unknown().optional(),
  description: z.string().default(''),
});

const manifest = z.object({
  name: z.string(),
  version: z.union([z.string(), z.number()]).transform(String),
  task: z.enum(['classification', 'generation']),
  description: z.string(),
  licence: z.string(),
  limits: z.object({ maxInputChars: z.number().int().positive() }),
  parameters: z.array(parameter),
  maxBatch: z.number().int().positive(),
  maxDelayMs: z.number().int().nonnegative(),
  memoryBytes: z.number().int().nonnegative(),
});

export type ModelManifest = z.infer<typeof manifest>;

/** Throws `ModelLoadError` when the folder holds no model. */
export async function readModelManifest(folder: string): Promise<ModelManifest> {
  const path = join(folder, 'manifest.json');
  try {
    return manifest.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new ModelLoadError(`manifest.json cannot be read as a model's manifest`, false, { cause });
  }
}
