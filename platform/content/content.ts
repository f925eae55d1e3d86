// A tenant's content in events: JSON, sealed with the tenant's key of the day, and either in the event itself or, when
// it is large, in a blob that is durable before the event that names it (claim check: an event stays under 64 KiB).

import type { Blobs } from '../blobs/blobs.ts';
import type { Keyring } from '../vault/keyring.ts';
import { openBytes, sealBytes } from '../vault/sealing.ts';

/** As it stands in an event (events/content.ts describes the same in Avro). */
export interface SealedContent {
  /** base64 of the sealed JSON text, when it is small. */
  readonly sealed: string | null;
  /** The name of the blob that holds it, when it is large. */
  readonly blob: string | null;
  /** Length of the JSON text in UTF-8 before sealing. */
  readonly bytes: number;
}

/** What opening answers once the key is gone. */
export const ERASED: unique symbol = Symbol('[erased]');
export type Erased = typeof ERASED;

/** What readers show in its place. */
export const ERASED_TEXT = '[erased]';
export const showErased = (value: unknown): unknown => (value === ERASED ? ERASED_TEXT : value);

/** The largest JSON text that stands in an event, and the most of all the contents of one event together. */
export const INLINE_BYTES = 16_384;
const INLINE_TOTAL = 32_768;

/** The log names a blob that is not there: data was lost. */
export class BlobMissing extends Error {
  override name = 'BlobMissing';
  readonly code = 'blob-missing';
  readonly retriable = false;
}

export interface Contents {
  /** Seals a JSON value with the tenant's key of today. A blob that it needs is durable when it resolves. */
  seal(tenantId: string, value: unknown): Promise<{ readonly content: SealedContent; readonly keyId: string }>;
  /** Seals the contents of one event: all with the one key that its metadata's `keyId` names. */
  sealAll(
    tenantId: string,
    values: readonly unknown[],
  ): Promise<{ readonly contents: SealedContent[]; readonly keyId: string }>;
  /**
   * The value, or `ERASED`. Throws `SealBroken` for what was changed or is another tenant's, `BlobMissing` when its blob
   * is lost.
   */
  open(metadata: { readonly tenantId: string; readonly keyId?: string }, content: SealedContent): Promise<unknown>;
}

function jsonBytes(value: unknown): Buffer {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError('content must be JSON');
  return Buffer.from(text);
}

export function createContents({ keyring, blobs }: { readonly keyring: Keyring; readonly blobs: Blobs }): Contents {
  const sealAll: Contents['sealAll'] = async (tenantId, values) => {
    const made = keyring.dataKey(tenantId);
    const key = made instanceof Promise ? await made : made;
    const contents: SealedContent[] = [];
    let inline = 0;
    for (const value of values) {
      const text = jsonBytes(value);
      const bytes = text.length;
      if (bytes <= INLINE_BYTES && inline + bytes <= INLINE_TOTAL) {
        inline += bytes;
        contents.push({ sealed: sealBytes(key.key, text).toString('base64'), blob: null, bytes });
      } else {
        contents.push({ sealed: null, blob: (await blobs.write(tenantId, text, key)).name, bytes });
      }
    }
    return { contents, keyId: key.keyId };
  };

  return {
    sealAll,
    async seal(tenantId, value) {
      const { contents, keyId } = await sealAll(tenantId, [value]);
      return { content: contents[0]!, keyId };
    },
    async open({ tenantId, keyId }, content) {
      if (keyId === undefined) throw new TypeError('an event with content names its key');
      if (content.sealed !== null) {
        const found = keyring.keyOf(tenantId, keyId);
        const key = found instanceof Promise ? await found : found;
        if (key === 'erased') return ERASED;
        return JSON.parse(openBytes(key, Buffer.from(content.sealed, 'base64')).toString()) as unknown;
      }
      if (content.blob === null) throw new TypeError('content is neither in its event nor in a blob');
      const text = await blobs.read({ tenantId, keyId, name: content.blob });
      if (text === 'erased') return ERASED;
      if (!text) throw new BlobMissing(`the blob ${content.blob} is not there`);
      return JSON.parse(text.toString()) as unknown;
    },
  };
}
