// Reading the request headers that every route shares. What cannot be read is refused by the header's name.

import type { IncomingHttpHeaders } from 'node:http';
import { type HttpProblems, Problem } from './problem.ts';
import type { IfMatch } from './route.ts';

/** Visible ASCII without separators that could forge a log line; anything else gets a new id. */
const SANE_ID = /^[\w.:~+/=-]{1,128}$/;

export function saneRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && SANE_ID.test(header) ? header : undefined;
}

function headerFault(problems: HttpProblems, name: string, message: string): Problem {
  const errors = [{ in: 'header', pointer: `/${name}`, message }] as const;
  return new Problem(problems['malformed-header'], { detail: `${name}: ${message}.`, errors });
}

/**
 * An `Idempotency-Key`, bare or quoted (a structured-field string, draft-ietf-httpapi-idempotency-key-header), unquoted.
 * 1–255 printable ASCII characters.
 */
export function readIdempotencyKey(headers: IncomingHttpHeaders, problems: HttpProblems): string | undefined {
  const header = headers['idempotency-key'];
  if (header === undefined) return undefined;
  const text = String(header);
  let key = text;
  if (text.startsWith('"')) {
    const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text);
    if (quoted === null) throw headerFault(problems, 'idempotency-key', 'the closing quote is missing or misplaced');
    key = (quoted[1] ?? '').replaceAll(/\\(["\\])/g, '$1');
  }
  if (key.length === 0 || key.length > 255) {
    throw headerFault(problems, 'idempotency-key', 'must have 1 to 255 characters');
  }
  if (!/^[\x20-\x7e]+$/.test(key)) throw headerFault(problems, 'idempotency-key', 'must be printable ASCII');
  return key;
}

/** Several tokens joined by commas; Node takes 16 KiB of headers in all. */
const longestToken = 8_192;

export function readConsistencyToken(headers: IncomingHttpHeaders, problems: HttpProblems): string | undefined {
  const header = headers['x-consistency-token'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || header.length === 0 || header.length > longestToken) {
    throw headerFault(problems, 'x-consistency-token', `must have 1 to ${longestToken} characters`);
  }
  return header;
}

/** `"3"` (a revision, as ETags name it) or `*`. Weak tags and lists never match a revision, so they are refused. */
export function readIfMatch(headers: IncomingHttpHeaders, problems: HttpProblems): IfMatch | undefined {
  const header = headers['if-match'];
  if (header === undefined) return undefined;
  if (header.trim() === '*') return 'stream_exists';
  const revision = /^\s*"(\d{1,15})"\s*$/.exec(header)?.[1];
  if (revision === undefined) throw headerFault(problems, 'if-match', 'must be one entity tag such as "3", or *');
  return Number(revision);
}
