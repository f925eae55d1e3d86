/**
 * Every limit, deadline and retry of the openai runtime. The whole run's deadline is its caller's
 * (`RunOptions.deadlineMs`); nothing here outlasts it.
 */
export interface UpstreamLimits {
  /** To connect, TLS included, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** From the request to the answer's headers: a plain completion is computed whole before they come, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** Between two parts of the answer, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** Further attempts after the first, only on connection errors, 408, 409, 429 and 5xx, only before the first byte of an answer. */
  readonly retries: number;
  /** The first wait; it doubles with each attempt up to the longest, spread by half of it to either side, in milliseconds. */
  readonly firstBackoffMs: number;
  readonly longestBackoffMs: number;
  /** Consecutive failures after which the upstream is left alone, and for how long, in milliseconds. */
  readonly breakAfterFailures: number;
  readonly breakMs: number;
  /** Items of one run sent at a time, and connections to one upstream. */
  readonly concurrentItems: number;
  readonly connections: number;
  /** An answer longer than this is given up, in bytes; a stream counts whole. */
  readonly answerBytes: number;
  /** How much of an error's body is read, in bytes, and how much of its message is passed on, in characters. */
  readonly errorBytes: number;
  readonly errorMessageLength: number;
}

export const upstreamLimits: UpstreamLimits = {
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  retries: 3,
  firstBackoffMs: 250,
  longestBackoffMs: 8_000,
  breakAfterFailures: 20,
  breakMs: 5_000,
  concurrentItems: 16,
  connections: 64,
  answerBytes: 16 * 1024 * 1024,
  errorBytes: 64 * 1024,
  errorMessageLength: 500,
};
