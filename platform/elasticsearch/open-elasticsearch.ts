// A connection to Elasticsearch and the one place for its options, deadlines, retries and back-off. The client library
// retries nothing by itself; `call` does, so every caller knows that its work may run more than once.

import { Client, errors } from '@elastic/elasticsearch';
import { backOff, spread } from '../patience/back-off.ts';
import { Interrupted, persist } from '../patience/persist.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import { asError, StartError } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import {
  answered,
  ElasticsearchRefused,
  ElasticsearchSlow,
  ElasticsearchUnavailable,
  isPassing,
  reasonOf,
} from './elasticsearch-errors.ts';

const PROBE_MS = 5_000;
const RETRY = { first: 20, most: 1_000 } as const;

export interface ElasticsearchOptions {
  /** `http[s]://[user:password@]host:port`. */
  readonly url: string;
  readonly apiKey?: string;
  /** Begins the names of all indices, so that several installations can share a server. */
  readonly namespace: string;
  readonly log: Log;
  /** Ends the waiting for a server that is absent, with `Interrupted`. */
  readonly signal?: AbortSignal;
}

/** Milliseconds: for one try, and until when another one may begin. */
export interface Patience {
  readonly tryMs: number;
  readonly retryMs: number;
}

/** Handed to each request of a try. */
export interface TryOptions {
  readonly requestTimeout: number;
  readonly signal: AbortSignal;
}

type Work<T> = (client: Client, options: TryOptions) => Promise<T>;

export interface ElasticsearchLink {
  /** Host and port, without credentials. */
  readonly server: string;
  /**
   * Tries until it works. Rejects with `ElasticsearchRefused` for an answer that another try would not change, and with
   * `ElasticsearchUnavailable` when time is up: a write may have happened then.
   */
  call<T>(work: Work<T>, patience: Patience): Promise<T>;
  /** Like `call`, as long as it takes, saying in the log what it waits for; `Interrupted` when the connection is closed. */
  persistently<T>(work: Work<T>, tryMs: number): Promise<T>;
  /** Rejects with a sentence unless the server answers now. */
  health(): Promise<void>;
  close(): Promise<void>;
}

const NAMESPACE = /^[a-z][a-z0-9-]{0,62}$/;

/** Waits for a server that is absent, saying so in the log. Rejects with a `StartError` for wrong credentials. */
export async function openElasticsearch(options: ElasticsearchOptions): Promise<ElasticsearchLink> {
  const { url, apiKey, namespace, log, signal } = options;
  if (!NAMESPACE.test(namespace)) throw new StartError(`The namespace ${namespace} cannot begin the name of an index.`);
  const server = withoutCredentials(url);
  const client = new Client({
    node: url,
    ...(apiKey !== undefined && { auth: { apiKey } }),
    maxRetries: 0,
    requestTimeout: PROBE_MS,
    redaction: { type: 'remove' },
    enableMetaHeader: false,
  });
  const closing = new AbortController();
  const warn = saySeldom((error: unknown) =>
    log.warn({ server, reason: reasonOf(error) }, 'waiting for Elasticsearch'),
  );

  /** What an error of one try means; `undefined` that another one may help. */
  function verdict(error: unknown): Error | undefined {
    if (closing.signal.aborted) return new Interrupted('the connection to Elasticsearch is closed');
    const said = answered(error);
    if (said) return isPassing(said.status, said.type) ? undefined : new ElasticsearchRefused(said.status, said.type);
    if (error instanceof errors.ConnectionError || error instanceof errors.TimeoutError) return undefined;
    if (error instanceof errors.NoLivingConnectionsError) return undefined;
    // Not a whole answer: the server, or what is between, went away while it spoke.
    return error instanceof errors.DeserializationError ? undefined : asError(error);
  }

  const isHopeless = (error: unknown) => verdict(error) !== undefined;
  const waitMs = (failures: number) => spread(backOff(failures, RETRY.first, RETRY.most));

  const attempt = <T>(work: Work<T>, tryMs: number) =>
    work(client, { requestTimeout: Math.max(1, Math.ceil(tryMs)), signal: closing.signal });

  async function call<T>(work: Work<T>, { tryMs, retryMs }: Patience): Promise<T> {
    try {
      return await persist(
        () => attempt(work, tryMs),
        closing.signal,
        () => undefined,
        { isHopeless, waitMs, until: performance.now() + retryMs },
      );
    } catch (error) {
      const Kind = error instanceof errors.TimeoutError ? ElasticsearchSlow : ElasticsearchUnavailable;
      throw verdict(error) ?? new Kind(`Elasticsearch at ${server} cannot be used: ${reasonOf(error)}`);
    }
  }

  async function persistently<T>(work: Work<T>, tryMs: number): Promise<T> {
    try {
      const result = await persist(() => attempt(work, tryMs), closing.signal, warn, { isHopeless, waitMs });
      if (warn.over()) log.info({ server }, 'Elasticsearch answers again');
      return result;
    } catch (error) {
      throw verdict(error) ?? error;
    }
  }

  const probe: Work<unknown> = (client, options) => client.indices.exists({ index: `${namespace}-search` }, options);

  async function firstProbe(client: Client, options: TryOptions): Promise<void> {
    try {
      await probe(client, options);
    } catch (error) {
      const said = answered(error);
      if (said?.status === 401 || said?.status === 403) {
        throw new StartError(`Elasticsearch at ${server} refuses the credentials: it answered ${said.status}.`);
      }
      if (error instanceof errors.ProductNotSupportedError) {
        throw new StartError(`What answers at ${server} is not Elasticsearch.`);
      }
      if (said && !isPassing(said.status, said.type)) {
        throw new StartError(`Elasticsearch at ${server} is no server of version 8 or 9: it answered ${said.status}.`);
      }
      throw error;
    }
  }

  async function close(): Promise<void> {
    if (closing.signal.aborted) return;
    closing.abort();
    await client.close();
  }

  const interrupt = () => void close();
  signal?.addEventListener('abort', interrupt);
  try {
    if (signal?.aborted) throw new Interrupted('stopped while waiting for Elasticsearch');
    await persistently(firstProbe, PROBE_MS);
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }

  return {
    server,
    call,
    persistently,
    async health() {
      try {
        await attempt(probe, PROBE_MS);
      } catch (error) {
        throw new ElasticsearchUnavailable(`Elasticsearch at ${server} does not answer: ${reasonOf(error)}`);
      }
    },
    close,
  };
}

function withoutCredentials(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new StartError('The URL of Elasticsearch is not an http(s) URL.');
  }
  return new URL(url).host;
}
