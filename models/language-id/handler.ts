import { createNgramEncoder } from './ngram-encoder.ts';

export interface Classifier {
  /** Length of one encoded row. */
  readonly inputLength: number;
  /** Fills one row and returns the input tokens counted (characters read). */
  encode(input: string, into: Float32Array): number;
  /** The answer for one row of the model's output. `parameters.top` keeps only the best scores. */
  decode(row: Float32Array, parameters?: Readonly<Record<string, unknown>>): LanguageGuess;
}

export interface LanguageGuess {
  /** The most likely language, as a BCP 47 tag. */
  readonly label: string;
  /** Probabilities by language, the highest first, rounded to four digits. */
  readonly scores: Readonly<Record<string, number>>;
}

interface LanguageManifest {
  readonly labels: readonly string[];
  readonly features: { readonly buckets: number; readonly readChars: number };
}

/** Turns text into rows for the language model and its rows into answers. Throws when the manifest lacks what it needs. */
export function createClassifier(manifest: unknown): Classifier {
  const { labels, features } = parseManifest(manifest);
  const encoder = createNgramEncoder(features.buckets, features.readChars);
  return {
    inputLength: features.buckets,
    encode: (input, into) => encoder.encode(input, into),
    decode(row, parameters = {}) {
      if (row.length !== labels.length) throw new Error(`Expected ${labels.length} scores, got ${row.length}.`);
      const ranked = labels.map((label, at) => [label, row[at] as number] as const).sort((a, b) => b[1] - a[1]);
      const top = typeof parameters['top'] === 'number' && parameters['top'] > 0 ? parameters['top'] : ranked.length;
      const scores: Record<string, number> = {};
      for (const [label, score] of ranked.slice(0, top)) scores[label] = Math.round(score * 10_000) / 10_000;
      return { label: ranked[0]?.[0] ?? '', scores };
    },
  };
}

function parseManifest(manifest: unknown): LanguageManifest {
  const { labels, features } = manifest as Partial<LanguageManifest>;
  if (!Array.isArray(labels) || labels.length === 0) throw new Error('The manifest names no labels.');
  if (!features || !isPowerOfTwo(features.buckets) || !(features.readChars > 0)) {
    throw new Error('The manifest must give features.buckets (a power of two up to 65536) and features.readChars.');
  }
  return { labels, features };
}

function isPowerOfTwo(value: unknown): value is number {
  return typeof value === 'number' && value >= 2 && value <= 65536 && Number.isInteger(Math.log2(value));
}
