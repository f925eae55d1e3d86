// The port for what is said now and may be lost: tokens, progress, wake-ups. Nothing may depend on its arrival.
// A channel keeps its last messages for a while (bounded), so that a reader who comes late or again misses nothing of a
// running stream: it subscribes first, then asks for `recent`, and tells by the sequence what it has seen.

export interface LiveMessage {
  /**
   * Increases by one per message of a channel while the channel is remembered, and never goes back; a reader resumes
   * after the last it saw.
   */
  readonly sequence: number;
  readonly value: unknown;
}

export interface LiveChannel {
  /**
   * Never fails and never waits; listeners are called in a later round of the event loop. `value` is JSON (undefined
   * arrives as null). `keep: false` for a wake-up that nobody needs later.
   */
  publish(channel: string, value: unknown, options?: { readonly keep?: boolean }): void;
  /** Calls back for each message from now on, in order. Returns a function that ends it at once. */
  subscribe(channel: string, listener: (message: LiveMessage) => void): () => void;
  /** Kept messages with a sequence greater than `after` (default: all kept), oldest first. */
  recent(channel: string, after?: number): Promise<LiveMessage[]>;
  close(): Promise<void>;
}
