// What is sent to an OpenAI-compatible upstream for one item, and what of the answer becomes the item's result.

import type { RunResult } from './model-runtime.ts';
import { malformed } from './upstream-error.ts';

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `chat`: the caller speaks the upstream's protocol and gets its body untouched; `text`: text in, text out. */
export interface UpstreamRequest {
  readonly shape: 'chat' | 'text';
  readonly body: JsonObject;
}

/**
 * The request for an item's input: `{ messages, … }` travels whole, its own members before the run's parameters, only
 * `model` is ours; a string or `{ prompt }` becomes one user message. Undefined when the input is neither.
 */
export function createUpstreamRequest(
  input: unknown,
  parameters: Readonly<JsonObject>,
  upstreamModel: string,
  stream: boolean,
): UpstreamRequest | undefined {
  const members = typeof input === 'string' ? { prompt: input } : input;
  if (typeof members !== 'object' || members === null) return undefined;
  const { stream: _, stream_options: streamOptions, prompt, ...chat } = members as JsonObject;
  const streaming = stream
    ? { stream: true, stream_options: { ...(streamOptions as JsonObject | undefined), include_usage: true } }
    : {};
  if (Array.isArray(chat['messages'])) {
    const asked = prompt === undefined ? chat : { ...chat, prompt };
    return { shape: 'chat', body: { ...parameters, ...asked, ...streaming, model: upstreamModel } };
  }
  if (typeof prompt !== 'string') return undefined;
  const messages = [{ role: 'user', content: prompt }];
  return { shape: 'text', body: { ...parameters, ...streaming, messages, model: upstreamModel } };
}

/** The result in a completion's body. Throws `upstream-malformed` when it has no choice. */
export function createCompletionResult(completion: unknown, shape: UpstreamRequest['shape']): RunResult {
  const { choices, usage } = (completion ?? {}) as { choices?: unknown; usage?: JsonObject | null };
  const first = Array.isArray(choices) ? (choices[0] as JsonObject | undefined) : undefined;
  const message = first?.['message'] as JsonObject | null | undefined;
  if (!first || typeof message !== 'object' || message === null) throw malformed('it has no choices');
  const text = typeof message['content'] === 'string' ? message['content'] : '';
  return {
    ok: true,
    output: shape === 'chat' ? completion : { text, finishReason: first['finish_reason'] ?? 'stop' },
    usage: {
      inputTokens: count(usage?.['prompt_tokens']),
      outputTokens: count(usage?.['completion_tokens']),
    },
  };
}

/** Tokens as the upstream counts them; 0 when it does not. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
