// Asks an OpenAI-compatible server which models it serves: how a hosted account or a local Ollama is found at start.

import { Agent, request } from 'undici';
import type { Log } from '../logging/log.ts';
import { upstreamHeaders, upstreamUrl } from './openai-spec.ts';

const longestListBytes = 4 * 1024 * 1024;

export interface DiscoverOptions {
  /** Such as `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string;
  readonly secret?: string;
  /** For the whole exchange, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Log;
}

/** The ids of the upstream's models, or undefined when nothing there answers as expected; the log says why, at debug. */
export async function discoverOpenAi(options: DiscoverOptions): Promise<string[] | undefined> {
  const { baseUrl, secret, timeoutMs, log } = options;
  // A pool of its own, gone at the end: nothing keeps the process alive for an upstream that is asked once.
  const dispatcher = new Agent({ connect: { timeout: timeoutMs }, maxResponseSize: longestListBytes });
  try {
    const answer = await request(upstreamUrl(baseUrl, 'models'), {
      headers: upstreamHeaders(secret),
      dispatcher,
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (answer.statusCode !== 200) throw new Error(`it answered ${answer.statusCode}`);
    return parseModelList(await answer.body.json());
  } catch (error) {
    log.debug(
      { baseUrl: baseUrl.replace(/\/\/[^/@]*@/, '//'), reason: describe(error) },
      'No models were found there.',
    );
    return undefined;
  } finally {
    await dispatcher.destroy();
  }
}

function parseModelList(body: unknown): string[] {
  const { data } = (body ?? {}) as { data?: unknown };
  if (!Array.isArray(data)) throw new Error('its answer has no list of models');
  return data
    .map((entry: unknown) => (entry as { id?: unknown } | null)?.id)
    .filter((id): id is string => typeof id === 'string' && id !== '');
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
}
