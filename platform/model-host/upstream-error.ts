// How an upstream model failed us, in the words of `RunError`, with what the retry policy must know besides.

import { PrivateAddressRefused } from '../net/public-lookup.ts';
import { type RunError } from './model-runtime.ts';
import { NamedError } from '../errors.ts';

export class UpstreamError extends NamedError {
  readonly runError: RunError;
  /** The same request may be sent again by us, now. */
  readonly again: boolean;
  /** How long the upstream asks us to wait before that, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(runError: RunError, retry: { again?: boolean; retryAfterMs?: number | undefined } = {}, cause?: unknown) {
    super(runError.message, { cause });
    this.runError = runError;
    this.again = retry.again ?? false;
    this.retryAfterMs = retry.retryAfterMs;
  }
}

/** An answer that is not the JSON the protocol promises. */
export function malformed(what: string): UpstreamError {
  const message = `The upstream's answer is malformed: ${what}.`;
  return new UpstreamError({ code: 'upstream-malformed', message, retriable: false });
}

/**
 * The failure an HTTP status and body mean. `detail` is the upstream's own message, already safe to show; what it says
 * of a refused credential is left out, for upstreams quote the credential there.
 */
export function errorOfStatus(
  status: number,
  detail: { readonly message?: string | undefined; readonly code?: unknown },
  retryAfterMs?: number,
): UpstreamError {
  const said = detail.message ? `: ${detail.message}` : '.';
  if (status === 401 || status === 403) {
    const message = `The upstream refused the model's credential (${status}).`;
    return new UpstreamError({ code: 'upstream-unauthorized', message, retriable: false });
  }
  if (status === 429) {
    // An exhausted account answers 429 as well, and waiting does not refill it.
    const again = detail.code !== 'insufficient_quota';
    const message = `The upstream is limiting its rate${said}`;
    return new UpstreamError({ code: 'upstream-rate-limited', message, retriable: again }, { again, retryAfterMs });
  }
  if (status >= 500 || status === 408 || status === 409) {
    const message = `The upstream failed (${status})${said}`;
    return new UpstreamError({ code: 'upstream-failed', message, retriable: true }, { again: true, retryAfterMs });
  }
  if (status >= 300 && status < 400) {
    const message = `The upstream answered with a redirect (${status}), which is not followed.`;
    return new UpstreamError({ code: 'upstream-rejected', message, retriable: false });
  }
  const message = `The upstream rejected the request (${status})${said}`;
  return new UpstreamError({ code: 'upstream-rejected', message, retriable: false });
}

/** Codes of errors after which the upstream cannot have begun to answer. */
const beforeAnswer = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/**
 * The failure of a connection. Before the answer's headers it may be tried again, as OpenAI's own client does: what
 * was cut off then is nearly always a kept-alive connection that the upstream had just closed.
 */
export function errorOfConnection(error: unknown, headersSeen: boolean): UpstreamError {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown';
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    const message = 'The upstream sent nothing for too long.';
    return new UpstreamError({ code: 'timeout', message, retriable: true }, {}, error);
  }
  if (error instanceof PrivateAddressRefused) {
    const message = 'The upstream is not at a public address.';
    return new UpstreamError({ code: 'upstream-refused', message, retriable: false }, {}, error);
  }
  const message = headersSeen
    ? `The connection to the upstream was cut (${code}).`
    : `The upstream cannot be reached (${code}).`;
  const again = !headersSeen && beforeAnswer.has(code);
  return new UpstreamError({ code: 'upstream-failed', message, retriable: true }, { again }, error);
}
