import { randomInt } from 'node:crypto';
import { createGruNetwork, type NamedWeight } from './gru-network.ts';
import { createSampler } from './sampler.ts';
import { createStopFilter } from './stop-filter.ts';
import { alphabet, encodeText } from './vocabulary.ts';

export type Piece =
  | {
      /** May be empty: while a long input is being read, or while a possible stop sequence is held back. */
      readonly text: string;
    }
  | {
      readonly finishReason: 'stop' | 'length';
      /** Characters written, a stop sequence's own included; never above `max_tokens`. */
      readonly outputTokens: number;
      /** The whole text, exactly the pieces before one after another. */
      readonly text: string;
    };

export interface Session {
  /** Characters of the input as the model reads them. */
  readonly inputTokens: number;
  /** Does a bounded piece of work (about one character); after the end it returns the end again. */
  next(): Piece;
}

export interface Generator {
  start(input: string, parameters: Readonly<Record<string, unknown>>): Session;
}

/** The blank line that stands before every story of the training text. */
const BEFORE_TEXT = [0, 0];
/** Input characters read in one call of `next`: some milliseconds, so that other sessions get their turn. */
const READ_AT_ONCE = 64;

/**
 * Makes the writer from the weights of model.json, by their names. Sessions are independent and may be interleaved; to
 * cancel one, stop calling it. Throws an Error when a weight is missing or does not fit.
 */
export function createGenerator(weights: ReadonlyMap<string, NamedWeight>, manifest: unknown): Generator {
  const network = createGruNetwork(weights);
  if (network.symbols !== alphabet.length) {
    throw new Error(`The weights are for ${network.symbols} characters, the alphabet has ${alphabet.length}.`);
  }
  const defaults = parameterDefaults(manifest);
  return {
    start(input, parameters) {
      const options = parseOptions({ ...defaults, ...parameters });
      const sample = createSampler(options);
      const filter = createStopFilter(options.stop);
      const state = network.start();
      const encoded = encodeText(input);
      const unread = [...BEFORE_TEXT, ...encoded];
      let read = 0;
      let written = 0;
      let text = '';
      let finishReason: 'stop' | 'length' | undefined;

      return {
        inputTokens: encoded.length,
        next() {
          if (finishReason) return { finishReason, outputTokens: written, text };
          const end = Math.min(unread.length, read + READ_AT_ONCE);
          while (read < end) network.step(state, unread[read++] as number);
          if (read < unread.length) return { text: '' };
          const symbol = sample(network.score(state));
          network.step(state, symbol);
          written++;
          const { text: shown, stopped } = filter.push(alphabet[symbol] as string);
          if (stopped) finishReason = 'stop';
          else if (written >= options.maxTokens) finishReason = 'length';
          const piece = finishReason === 'length' ? shown + filter.flush() : shown;
          text += piece;
          return { text: piece };
        },
      };
    },
  };
}

interface Options {
  readonly temperature: number;
  readonly topK: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly stop: readonly string[];
}

/** The caller has checked parameters against the manifest; a missing one still gets its default here. */
function parseOptions(parameters: Readonly<Record<string, unknown>>): Options {
  const number = (name: string, otherwise: number): number => {
    const value = parameters[name];
    if (value === undefined || value === null) return otherwise;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new RangeError(`${name} must be a number of at least 0.`);
    }
    return value;
  };
  const stop = parameters['stop'] ?? [];
  if (!Array.isArray(stop) || !stop.every((item) => typeof item === 'string')) {
    throw new TypeError('stop must be a list of texts.');
  }
  return {
    temperature: number('temperature', 0.7),
    topK: number('top_k', 0),
    maxTokens: Math.max(1, number('max_tokens', 200)),
    seed: number('seed', randomInt(4294967296)),
    stop,
  };
}

function parameterDefaults(manifest: unknown): Record<string, unknown> {
  const declared = (manifest as { parameters?: unknown } | null)?.parameters;
  const defaults: Record<string, unknown> = {};
  if (!Array.isArray(declared)) return defaults;
  for (const { name, default: value } of declared as { name: string; default?: unknown }[]) {
    if (value !== undefined) defaults[name] = value;
  }
  return defaults;
}
