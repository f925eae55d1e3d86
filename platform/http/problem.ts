// Errors that a caller may see, as RFC 9457 problems. Anything else thrown is unexpected: the caller learns the request
// id, the log the rest.

import { NamedError } from '../errors.ts';

/** One entry of the problem table: what is the same each time it happens. */
export interface ProblemKind {
  /** kebab-case. */
  readonly code: string;
  readonly status: number;
  readonly title: string;
  /** The URI that names it; a path on this server unless named. */
  readonly type?: string;
}

/** One fault in what was sent. */
export interface FieldFault {
  readonly in: 'body' | 'query' | 'path' | 'header';
  /** RFC 6901 JSON pointer into that part: `/parameters/temperature`, `/limit`; empty for the whole. */
  readonly pointer: string;
  readonly message: string;
}

export interface ProblemDetails {
  /** One sentence for the caller about this occurrence; without it the first of `errors` is told. */
  readonly detail?: string;
  readonly errors?: readonly FieldFault[];
  /** Sent with the answer, e.g. `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the body. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class Problem extends NamedError {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly type: string;
  readonly detail: string | undefined;
  readonly errors: readonly FieldFault[] | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly extra: Readonly<Record<string, unknown>> | undefined;
  constructor(kind: ProblemKind, details: ProblemDetails = {}) {
    const detail = details.detail ?? sentenceOf(details.errors?.[0]);
    super(detail ?? kind.title, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = kind.code;
    this.status = kind.status;
    this.title = kind.title;
    this.type = kind.type ?? problemType(kind.code);
    this.detail = detail;
    this.errors = details.errors;
    this.headers = details.headers;
    this.extra = details.extra;
  }
}

const sentenceOf = (fault: FieldFault | undefined) =>
  fault &&
  `${fault.pointer === '' ? `the ${fault.in}` : fault.pointer}: ${fault.message}${fault.message.endsWith('?') ? '' : '.'}`;

/** Problems that the HTTP app itself answers with; the product's table must hold them all. */
export type HttpProblem =
  | 'malformed-url'
  | 'malformed-header'
  | 'malformed-json'
  | 'body-missing'
  | 'unauthorized'
  | 'forbidden'
  | 'tenant-suspended'
  | 'password-change-required'
  | 'not-found'
  | 'method-not-allowed'
  | 'request-timeout'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'invalid-request'
  | 'too-many-requests'
  | 'internal-server-error';

export type HttpProblems = Readonly<Record<HttpProblem, ProblemKind>>;

/** A path on this very server, as RFC 9457 section 3.1.1 allows: it depends on no host and can be looked up. */
export const problemType = (code: string) => `/problems/${code}`;
