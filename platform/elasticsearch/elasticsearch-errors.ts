// What can go wrong with an Elasticsearch server. Its own errors carry requests and previews of documents: none of that
// goes any further, only the status and the type.

import { errors } from '@elastic/elasticsearch';
import { asError, NamedError, transientError } from '../errors.ts';

/** The server cannot be reached, or cannot work now; whether a write that was on its way happened is not known. */
export class ElasticsearchUnavailable extends transientError('elasticsearch-unavailable') {}

/** The server did not answer one try in its time. */
export class ElasticsearchSlow extends ElasticsearchUnavailable {}

/**
 * The server answered that it will not do it. It says nothing of a document's fault, so it is not final: what writes waits
 * until somebody has mended the index.
 */
export class ElasticsearchRefused extends NamedError {
  readonly code = 'elasticsearch-refused';
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string) {
    super(`Elasticsearch answered ${status} ${type}`);
    this.status = status;
    this.type = type;
  }
}

/**
 * Statuses that tell of the server's state, not of what was asked. A full disk makes indices read-only (429, or 403 with
 * `cluster_block_exception`) until there is room; credentials that are being changed are refused for a while, and wrong
 * ones are told at the start.
 */
export function isPassing(status: number, type: string): boolean {
  return [401, 403, 408, 429].includes(status) || status >= 500 || type === 'cluster_block_exception';
}

export interface Answered {
  readonly status: number;
  /** Elasticsearch's name of the error, `not_found` where it gives none. */
  readonly type: string;
}

/** What the server answered instead of a result; undefined when it did not answer. */
export function answered(error: unknown): Answered | undefined {
  if (!(error instanceof errors.ResponseError)) return undefined;
  const body = error.body as { error?: { type?: unknown } | string } | undefined;
  const type = typeof body?.error === 'object' ? body.error.type : undefined;
  return { status: error.statusCode ?? 0, type: typeof type === 'string' ? type : 'not_found' };
}

/** A few words on why there was no answer. */
export function reasonOf(error: unknown): string {
  const said = answered(error);
  if (said) return `it answered ${said.status} ${said.type}`;
  if (error instanceof errors.TimeoutError) return 'it did not answer in time';
  return asError(error).message;
}
