import type { ModelDefinition } from '#events/model.ts';

/** A chat model of an upstream that does not exist. */
export const modelDefinition: ModelDefinition = {
  name: 'm',
  description: '',
  task: 'chat',
  runtime: 'openai',
  source: 'http://upstream/v1',
  upstreamModel: 'm',
  credentialId: null,
  parameters: [],
  anyParameter: true,
  maxInputChars: 1_000,
  maxBatch: 8,
  maxDelayMs: 0,
  timeoutMs: 1_000,
  memoryBytes: 0,
};
