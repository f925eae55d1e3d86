// How a client is told what it may still ask: in OpenAI's headers, and in those of draft-ietf-httpapi-ratelimit-headers.

/** What is known of one limit after a request was counted. */
export interface RateCount {
  /** Requests a minute. */
  readonly limit: number;
  readonly remaining: number;
  /** Until more may be asked; 1–60. */
  readonly resetSeconds: number;
}

export const WINDOW_SECONDS = 60;

/** As OpenAI writes times: `1s`, `6m0s`. */
const openaiTime = (seconds: number) => (seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`);

export function rateHeaders({ limit, remaining, resetSeconds }: RateCount): Record<string, string> {
  return {
    'x-ratelimit-limit-requests': String(limit),
    'x-ratelimit-remaining-requests': String(remaining),
    'x-ratelimit-reset-requests': openaiTime(resetSeconds),
    'ratelimit-policy': `"default";q=${limit};w=${WINDOW_SECONDS}`,
    ratelimit: `"default";r=${remaining};t=${resetSeconds}`,
  };
}
