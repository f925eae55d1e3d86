// One HTTP exchange with an OpenAI-compatible upstream: bounded in size and time, redirects not followed (undici's
// `request` follows none), every failure an `UpstreamError` whose message never holds the credential.

import { type Dispatcher, request } from 'undici';
import { isObject, type JsonObject } from './openai-request.ts';
import { errorOfConnection, errorOfStatus, malformed, UpstreamError } from './upstream-error.ts';
import type { UpstreamLimits } from './upstream-limits.ts';
import { backOff, spread } from '../patience/back-off.ts';
import { persist } from '../patience/persist.ts';

export interface Upstream {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secret: string | undefined;
  readonly dispatcher: Dispatcher;
  readonly limits: UpstreamLimits;
}

/** The parts of an answer with a good status. Iterating throws an `UpstreamError` when it is cut off or too long. */
export type AnswerBytes = AsyncIterable<Uint8Array>;

/**
 * Sends one request. Rejects with an `UpstreamError` for anything but a 2xx status; when `signal` is aborted, with
 * whatever comes of that, for the caller to tell apart.
 */
export async function post(upstream: Upstream, body: JsonObject, signal: AbortSignal): Promise<AnswerBytes> {
  const { limits } = upstream;
  let answer: Dispatcher.ResponseData;
  try {
    answer = await request(upstream.url, {
      method: 'POST',
      headers: upstream.headers,
      body: JSON.stringify(body),
      dispatcher: upstream.dispatcher,
      signal,
      headersTimeout: limits.headersTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
    });
  } catch (error) {
    throw errorOfConnection(error, false);
  }
  if (answer.statusCode >= 200 && answer.statusCode < 300) return limited(answer.body, limits.answerBytes);
  const detail = await readErrorDetail(answer.body, upstream);
  throw errorOfStatus(answer.statusCode, detail, retryAfterMs(answer.headers));
}

/** Calls `attempt` until it succeeds, by the limits' rules. `until` is by `performance.now()`. */
export function withRetries<T>(
  { firstBackoffMs, longestBackoffMs, retries }: UpstreamLimits,
  until: number,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  return persist(attempt, signal, () => undefined, {
    isHopeless: (error) => !(error instanceof UpstreamError) || !error.again || signal.aborted,
    waitMs: (failures, error) =>
      Math.max(spread(backOff(failures, firstBackoffMs, longestBackoffMs)), (error as UpstreamError).retryAfterMs ?? 0),
    until,
    attempts: retries + 1,
  });
}

export async function readJson(bytes: AnswerBytes): Promise<unknown> {
  const text = await readText(bytes);
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('it is not JSON');
  }
}

async function readText(bytes: AnswerBytes): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const part of bytes) text += decoder.decode(part, { stream: true });
  return text + decoder.decode();
}

/** Leaving the loop, by an error or early, destroys the body and with it the connection. */
async function* limited(body: Dispatcher.ResponseData['body'], limit: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  try {
    for await (const part of body as AsyncIterable<Uint8Array>) {
      length += part.length;
      if (length > limit) {
        const message = `The upstream's answer is longer than ${limit} bytes.`;
        throw new UpstreamError({ code: 'upstream-too-large', message, retriable: false });
      }
      yield part;
    }
  } catch (error) {
    throw error instanceof UpstreamError ? error : errorOfConnection(error, true);
  }
}

/** `error.message` of the answer as upstreams write it, with the credential blotted out, or nothing. */
async function readErrorDetail(
  body: Dispatcher.ResponseData['body'],
  { limits, secret }: Upstream,
): Promise<{ message?: string; code?: unknown }> {
  let parsed: unknown;
  try {
    parsed = await readJson(limited(body, limits.errorBytes));
  } catch {
    // The status says what happened; a body that is cut, too long or no JSON only lacks the details.
    return {};
  }
  return describeError(parsed, secret, limits.errorMessageLength);
}

/** Reads `{error: {message, code}}`, `{error: "…"}`, `{message}` and `{detail}`; the message is safe to show. */
export function describeError(
  body: unknown,
  secret: string | undefined,
  longest: number,
): { message?: string; code?: unknown } {
  const outer = isObject(body) ? body : {};
  const inner = isObject(outer['error']) ? outer['error'] : outer;
  const { code } = inner;
  const message = [inner['message'], outer['error'], outer['detail']].find((said) => typeof said === 'string');
  if (message === undefined) return { code };
  const safe = secret ? message.replaceAll(secret, '***') : message;
  return { message: safe.slice(0, longest), code };
}

/** RFC 9110, section 10.2.3: seconds or a date; and OpenAI's own `retry-after-ms`. */
function retryAfterMs(headers: Dispatcher.ResponseData['headers']): number | undefined {
  const ms = Number.parseFloat(String(headers['retry-after-ms']));
  if (ms >= 0) return ms;
  const after = String(headers['retry-after'] ?? '');
  if (/^\d+(\.\d+)?$/.test(after)) return Number.parseFloat(after) * 1_000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
