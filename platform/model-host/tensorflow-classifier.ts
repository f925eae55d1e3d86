// Runs a batch of texts through a classifier: encode, predict together, decode, each item failing alone.

import type { RunResult } from './model-runtime.ts';
import { rowsPerPrediction, type TensorflowBackend } from './tensorflow-backend.ts';
import type { Classifier } from './tensorflow-handler.ts';
import { inputNotText, itemFault, type ReportFault } from './item-errors.ts';

/** Answers the inputs given, in order. `rows` is scratch memory for `rowsPerPrediction` rows, kept between calls. */
export function classify(
  classifier: Classifier,
  backend: TensorflowBackend,
  rows: Float32Array,
  inputs: readonly unknown[],
  parameters: Record<string, unknown>,
  reportFault: ReportFault,
): RunResult[] {
  const results: RunResult[] = [];
  for (let start = 0; start < inputs.length; start += rowsPerPrediction) {
    results.push(...classifyPart(inputs.slice(start, start + rowsPerPrediction)));
  }
  return results;

  function classifyPart(part: readonly unknown[]): RunResult[] {
    const width = classifier.inputLength;
    rows.fill(0, 0, part.length * width);
    const encoded = part.map((input, place) => encode(input, rows.subarray(place * width, (place + 1) * width)));
    const answers = backend.predict(rows.subarray(0, part.length * width), width);
    const answerWidth = answers.length / part.length;
    return encoded.map((tokens, place) =>
      typeof tokens === 'number'
        ? decode(answers.subarray(place * answerWidth, (place + 1) * answerWidth), tokens)
        : tokens,
    );
  }

  function encode(input: unknown, into: Float32Array): number | RunResult {
    if (typeof input !== 'string') return inputNotText;
    try {
      return classifier.encode(input, into);
    } catch (error) {
      into.fill(0);
      return itemFault(error, reportFault);
    }
  }

  function decode(row: Float32Array, inputTokens: number): RunResult {
    try {
      return { ok: true, output: classifier.decode(row, parameters), usage: { inputTokens, outputTokens: 0 } };
    } catch (error) {
      return itemFault(error, reportFault);
    }
  }
}
