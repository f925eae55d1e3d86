// A TensorFlow model's folder holds `handler.ts`, which says what goes into the model and what its answer means.
// It exports exactly one of `createClassifier` and `createGenerator`.

/** Text in, one row of numbers to the model, one row of numbers back, an answer out. */
export interface Classifier {
  /** Numbers in one encoded row. */
  readonly inputLength: number;
  /** Fills `into` (zeroed, `inputLength` long) and returns the number of input tokens. */
  encode(input: string, into: Float32Array): number;
  decode(row: Float32Array, parameters?: Record<string, unknown>): unknown;
}

/** Writes text piece by piece with a loop of its own over the weights. */
export interface Generator {
  start(input: string, parameters: Record<string, unknown>): GeneratorSession;
}

export interface GeneratorSession {
  readonly inputTokens: number;
  /** The next piece of text, or the end. One call is one short step: the thread serves others between calls. */
  next(): GeneratorStep;
}

export type GeneratorStep =
  | { readonly text: string; readonly finishReason?: undefined }
  /** `text` is the whole text; what no piece has carried yet is sent as a last piece. */
  | { readonly text: string; readonly finishReason: 'stop' | 'length'; readonly outputTokens: number };

export interface NamedWeight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type Weights = ReadonlyMap<string, NamedWeight>;

export type Handler =
  | { readonly kind: 'classifier'; readonly create: (manifest: unknown) => Classifier }
  | { readonly kind: 'generator'; readonly create: (weights: Weights, manifest: unknown) => Generator };

/** Which of the two kinds a `handler.ts` module is. Throws an Error that says what is wrong with its exports. */
export function createHandler(module: object): Handler {
  const { createClassifier, createGenerator } = module as Record<string, unknown>;
  const both = typeof createClassifier === 'function' && typeof createGenerator === 'function';
  if (!both && typeof createClassifier === 'function') {
    return { kind: 'classifier', create: createClassifier as (manifest: unknown) => Classifier };
  }
  if (!both && typeof createGenerator === 'function') {
    return { kind: 'generator', create: createGenerator as (weights: Weights, manifest: unknown) => Generator };
  }
  throw new Error('handler.ts must export exactly one of createClassifier and createGenerator');
}
