// A model's definition, from what a caller registers or a model's folder says of itself.

import type { z } from 'zod';
import type { registerModelSchema } from '#contracts/models.ts';
import type { ModelDefinition } from '#events/model.ts';
import type { ModelManifest } from '#platform/model-host/model-manifest.ts';

export type ModelRegistration = z.infer<typeof registerModelSchema>;

const DEFAULTS = {
  /** Requests that an upstream is given at the same time. */
  upstreamBatch: 32,
  maxInputChars: 200_000,
  timeoutMs: 60_000,
} as const;

const jsonOrNull = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value));

type OpenaiRegistration = Extract<ModelRegistration, { runtime: 'openai' }>;

export function upstreamDefinition(name: string, given: OpenaiRegistration): ModelDefinition {
  return {
    name,
    description: given.description,
    task: 'chat',
    runtime: 'openai',
    source: given.source,
    upstreamModel: given.upstreamModel ?? name,
    credentialId: given.credentialId ?? null,
    parameters: given.parameters.map((parameter) => ({ ...parameter, default: jsonOrNull(parameter.default) })),
    anyParameter: given.anyParameter,
    maxInputChars: given.maxInputChars ?? DEFAULTS.maxInputChars,
    maxBatch: DEFAULTS.upstreamBatch,
    maxDelayMs: 0,
    timeoutMs: given.timeoutMs ?? DEFAULTS.timeoutMs,
    memoryBytes: 0,
  };
}

/** `source` is the folder's name. */
export function builtInDefinition(
  name: string,
  source: string,
  manifest: ModelManifest,
  given: { readonly description?: string; readonly maxInputChars?: number; readonly timeoutMs?: number } = {},
): ModelDefinition {
  return {
    name,
    description: given.description || manifest.description,
    task: manifest.task,
    runtime: 'tensorflow',
    source,
    upstreamModel: null,
    credentialId: null,
    parameters: manifest.parameters.map(({ type, minimum, maximum, maxItems, maxLength, ...parameter }) => ({
      name: parameter.name,
      // Avro's symbols have no dashes.
      type: type === 'string-array' ? 'string_array' : type,
      minimum: minimum ?? null,
      maximum: maximum ?? null,
      maxItems: maxItems ?? null,
      maxLength: maxLength ?? null,
      default: jsonOrNull(parameter.default),
      description: parameter.description,
    })),
    anyParameter: false,
    maxInputChars: Math.min(given.maxInputChars ?? Number.MAX_SAFE_INTEGER, manifest.limits.maxInputChars),
    maxBatch: manifest.maxBatch,
    maxDelayMs: manifest.maxDelayMs,
    timeoutMs: given.timeoutMs ?? DEFAULTS.timeoutMs,
    memoryBytes: manifest.memoryBytes,
  };
}
