// The runtime for models that someone else serves: any OpenAI-compatible upstream, by base URL and credential. Loading
// opens no connection and holds no memory here; deadlines, retries and sizes are those of `upstreamLimits`.

import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
} from 'cockatiel';
import { Agent } from 'undici';
import type { Log } from '../logging/log.ts';
import { publicLookup } from '../net/public-lookup.ts';
import { createCompletionAssembly } from './completion-assembly.ts';
import { inputNotChat, itemCancelled, itemTimedOut } from './item-errors.ts';
import type { LoadedModel, ModelRuntime, RunItem, RunOptions, RunResult } from './model-runtime.ts';
import { createCompletionResult, createUpstreamRequest, type JsonObject } from './openai-request.ts';
import { parseUpstreamSpec } from './openai-spec.ts';
import { readEventData } from './server-sent-events.ts';
import { type AnswerBytes, describeError, post, readJson, type Upstream, withRetries } from './upstream-client.ts';
import { errorOfStatus, malformed, UpstreamError } from './upstream-error.ts';
import { type UpstreamLimits, upstreamLimits } from './upstream-limits.ts';
import { timerMs } from '../patience/back-off.ts';

export interface OpenAiRuntimeOptions {
  readonly log: Log;
  /** Overrides of `upstreamLimits`. */
  readonly limits?: Partial<UpstreamLimits>;
}

interface UpstreamModel {
  readonly upstream: Upstream;
  readonly upstreamModel: string;
  readonly breaker: CircuitBreakerPolicy;
  readonly log: Log;
  readonly key: string;
}

/** `source` is the base URL (`https://host/v1`), `options` are `{ upstreamModel, headers?, allowPrivateNetwork? }`, `secret` the bearer token. */
export function openOpenAiRuntime({ log, limits: overrides }: OpenAiRuntimeOptions): ModelRuntime {
  const limits = { ...upstreamLimits, ...overrides };
  const agent = (lookup: object) =>
    new Agent({
      connections: limits.connections,
      connect: { timeout: limits.connectTimeoutMs, ...lookup },
      maxResponseSize: -1,
    });
  const anywhere = agent({});
  const outside = agent({ lookup: publicLookup });
  const open = new Set<LoadedModel>();

  return {
    async load(spec) {
      const { url, headers, upstreamModel, allowPrivateNetwork } = parseUpstreamSpec(spec);
      const dispatcher = allowPrivateNetwork ? anywhere : outside;
      const breaker = circuitBreaker(
        handleWhen((error) => error instanceof UpstreamError && error.runError.code === 'upstream-failed'),
        { halfOpenAfter: limits.breakMs, breaker: new ConsecutiveBreaker(limits.breakAfterFailures) },
      );
      breaker.onBreak(() => log.warn({ model: spec.key }, 'An upstream keeps failing and is left alone for a while.'));
      const upstream = { url, headers, secret: spec.secret, dispatcher, limits };
      const model = openUpstreamModel({ upstream, upstreamModel, breaker, log, key: spec.key });
      const tracked: LoadedModel = {
        ...model,
        async close() {
          open.delete(tracked);
          await model.close();
        },
      };
      open.add(tracked);
      return tracked;
    },

    async close() {
      await Promise.all([...open].map((model) => model.close()));
      await Promise.all([anywhere.destroy(), outside.destroy()]);
    },
  };
}

function openUpstreamModel(model: UpstreamModel): LoadedModel {
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();

  async function runAll(items: readonly RunItem[], options: RunOptions): Promise<RunResult[]> {
    const until = performance.now() + options.deadlineMs;
    const deadline = new AbortController();
    // A timer of 0 ms fires after 1 ms or more: a quick upstream would answer before it.
    if (options.deadlineMs <= 0) deadline.abort();
    const timer = setTimeout(() => deadline.abort(), timerMs(options.deadlineMs));
    const results: RunResult[] = [];
    // The lanes share one iterator: each takes the next item that none has taken.
    const queue = items.entries();
    async function lane(): Promise<void> {
      for (const [place, item] of queue) {
        results[place] = await runItem(model, item, options, until, deadline.signal, closing.signal);
      }
    }
    try {
      const lanes = Math.min(items.length, model.upstream.limits.concurrentItems);
      await Promise.all(Array.from({ length: lanes }, lane));
    } finally {
      clearTimeout(timer);
    }
    if (closing.signal.aborted) throw new Error('the model was closed');
    return results;
  }

  return {
    bytes: 0,
    async run(items, options) {
      if (closing.signal.aborted) throw new Error('the model was closed');
      const run = runAll(items, options);
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    async close() {
      closing.abort();
      await Promise.allSettled(running);
    },
  };
}

async function runItem(
  model: UpstreamModel,
  item: RunItem,
  options: RunOptions,
  until: number,
  deadline: AbortSignal,
  closing: AbortSignal,
): Promise<RunResult> {
  const { upstream, breaker } = model;
  const cancel = options.signals?.get(item.id);
  const signal = AbortSignal.any(cancel ? [deadline, closing, cancel] : [deadline, closing]);
  const stream = options.onToken !== undefined;
  const request = createUpstreamRequest(item.input, options.parameters, model.upstreamModel, stream);
  try {
    signal.throwIfAborted();
    if (!request) return inputNotChat;
    const send = () => breaker.execute(() => post(upstream, request.body, signal));
    const answer = await withRetries(upstream.limits, until, signal, send);
    const completion = stream
      ? await readStream(answer, upstream, (text) => options.onToken?.(item.id, text), signal)
      : await readJson(answer);
    return createCompletionResult(completion, request.shape);
  } catch (error) {
    if (cancel?.aborted) return itemCancelled;
    if (deadline.aborted) return itemTimedOut;
    return failed(model, error);
  }
}

function failed({ log, key }: UpstreamModel, error: unknown): RunResult {
  if (isBrokenCircuitError(error)) {
    const message = 'The upstream keeps failing and is left alone for a while.';
    return { ok: false, error: { code: 'upstream-unavailable', message, retriable: true } };
  }
  if (error instanceof UpstreamError) return { ok: false, error: error.runError };
  log.error({ model: key, err: error }, 'A request to an upstream failed in a way not foreseen.');
  return {
    ok: false,
    error: { code: 'upstream-failed', message: 'The request to the upstream failed.', retriable: true },
  };
}

/** Reads a streamed completion to its end, handing out the first choice's text, and answers it as one body. */
async function readStream(
  answer: AnswerBytes,
  { secret, limits }: Upstream,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<JsonObject> {
  const assembly = createCompletionAssembly();
  for await (const data of readEventData(answer)) {
    // What was already received when the item ended is not handed out any more.
    signal.throwIfAborted();
    if (data === '[DONE]') return assembly.completion();
    const chunk = parseChunk(data);
    if (chunk['error'] !== undefined && chunk['error'] !== null) {
      const detail = describeError(chunk, secret, limits.errorMessageLength);
      throw errorOfStatus(typeof detail.code === 'number' ? detail.code : 500, detail);
    }
    const text = assembly.add(chunk);
    if (text !== '') onText(text);
  }
  // Some upstreams close without [DONE]; the text is whole when its finish_reason came.
  if (assembly.finished()) return assembly.completion();
  const message = "The upstream's answer ended before it was finished.";
  throw new UpstreamError({ code: 'upstream-failed', message, retriable: true });
}

function parseChunk(data: string): JsonObject {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw malformed('an event of its stream is not JSON');
  }
  if (typeof chunk !== 'object' || chunk === null) throw malformed('an event of its stream is not an object');
  return chunk as JsonObject;
}
