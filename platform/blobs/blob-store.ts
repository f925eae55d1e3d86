// The port to large payloads. Raw bytes by name; sealing and naming are blobs.ts's work. A name is
// `<tenant>/<SHA-256 of the bytes>`, so a blob never changes and writing it twice is the same as once.

export interface BlobStore {
  /** Durable when it resolves. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** The bytes, or a range of them; undefined when there is no such blob. */
  read(name: string, range?: { readonly offset: number; readonly length: number }): Promise<Uint8Array | undefined>;
  /** Milliseconds since the epoch when it was last written; undefined when there is none. */
  writtenAt(name: string): Promise<number | undefined>;
  /** No error when there is none. */
  remove(name: string): Promise<void>;
  /** Names that begin with the prefix, in pages by the last name seen. */
  list(prefix: string, limit: number, after?: string): Promise<string[]>;
  close(): Promise<void>;
}
