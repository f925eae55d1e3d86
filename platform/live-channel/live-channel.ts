// The port for what is said now and may be lost: tokens, progress, wake-ups. Nothing may depend on its arrival.
// A channel keeps its last messages for a while (bounded), so that a reader who comes late or again misses nothing of a
// running stream.

export interface LiveMessage {
  /** Increases by one per channel; a reader resumes after the last it saw. */
  readonly sequence: number;
  readonly value: unknown;
}

export interface LiveChannel {
  /** Never fails and never waits. `keep: false` for a wake-up that nobody needs later. */
  publish(channel: string, value: unknown, options?: { readonly keep?: boolean }): void;
  /** Calls back for each message from now on, in order. Returns a function that ends it. */
  subscribe(channel: string, listener: (message: LiveMessage) => void): () => void;
  /** Kept messages with a sequence greater than `after` (default: all kept), oldest first. */
  recent(channel: string, after?: number): Promise<LiveMessage[]>;
  close(): Promise<void>;
}
