// The port in which koa-ratelimit counts what was asked within a minute, by id. Every replica counts in the same one where
// it is a server's. Not in it: who is counted, and how much one may ask.

import type { MiddlewareOptions } from 'koa-ratelimit';

export interface RateStore {
  /** As koa-ratelimit takes them. Counting rejects with a transient error while the store cannot be reached. */
  readonly counting: Pick<MiddlewareOptions, 'driver' | 'db'> & { readonly namespace: string };
  /** Of a server: rejects with a sentence unless it answers now. */
  health?(): Promise<void>;
  close(): Promise<void>;
}
