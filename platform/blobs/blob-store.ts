// The port to large payloads. Raw bytes by name; sealing and naming are blobs.ts's work. A name is
// `<tenant>/<SHA-256 of the bytes>`, so a blob never changes and writing it twice is the same as once.

import { finalError } from '../errors.ts';

/** The tenant's part can be neither a path nor a hidden file; adapters refuse other names with `InvalidBlobName`. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,127}\/[0-9a-f]{64}$/;

export class InvalidBlobName extends finalError('invalid-blob-name') {}

export const isBlobName = (name: string): boolean => NAME.test(name);

export function checkBlobName(name: string): void {
  if (!isBlobName(name)) throw new InvalidBlobName('a blob is named <tenant>/<64 hexadecimal digits>');
}

export interface BlobStore {
  /** Durable when it resolves. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** As `write`, of bytes that are never held whole. `name` is asked after the last of them: it may be their hash. */
  writeStream(bytes: AsyncIterable<Uint8Array>, name: () => string): Promise<void>;
  /**
   * The bytes, or a range of them; undefined when there is no such blob. What of a range lies past the end is left out,
   * to nothing at all.
   */
  read(name: string, range?: { readonly offset: number; readonly length: number }): Promise<Uint8Array | undefined>;
  /** Milliseconds since the epoch when it was last written; undefined when there is none. */
  writtenAt(name: string): Promise<number | undefined>;
  /** No error when there is none. */
  remove(name: string): Promise<void>;
  /** Names that begin with the prefix, in order, in pages by the last name seen. */
  list(prefix: string, limit: number, after?: string): Promise<string[]>;
  close(): Promise<void>;
}
