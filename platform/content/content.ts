// Content in events: JSON, sealed with its subject's key of the day (a tenant's, a person's), and either in the event itself
// or, when it is large, in a blob that is durable before the event that names it (claim check: an event stays under 64 KiB).

import type { KeyObject } from 'node:crypto';
import type { Blobs } from '../blobs/blobs.ts';
import type { Keyring } from '../vault/keyring.ts';
import { openBytes, sealBytes } from '../vault/sealing.ts';
import type { JustSealed } from './just-sealed.ts';
import { finalError } from '../errors.ts';

/** As it stands in an event (events/content.ts describes the same in Avro). */
export interface SealedContent {
  /** Names the data key that sealed it. */
  readonly keyId: string;
  /** base64 of the sealed JSON text, when it is small. */
  readonly sealed: string | null;
  /** The name of the blob that holds it, when it is large. */
  readonly blob: string | null;
  /** Length of the JSON text in UTF-8 before sealing. */
  readonly bytes: number;
}

/** What opening answers once the key is gone. */
export const ERASED: unique symbol = Symbol('[erased]');
/** What readers show in its place. */
export const ERASED_TEXT = '[erased]';
export const showErased = (value: unknown): unknown => (value === ERASED ? ERASED_TEXT : value);

/** The largest JSON text that stands in an event. */
export const INLINE_BYTES = 16_384;

/** The log names a blob that is not there: data was lost. */
export class BlobMissing extends finalError('blob-missing') {}

type Json = string | number | boolean | null | readonly Json[] | { readonly [member: string]: Json };

/** What was sealed, or `ERASED`. */
export type Opened = Json | typeof ERASED;

export interface Contents {
  /** Seals a JSON value with the subject's key of today. A blob that it needs is durable when it resolves. */
  seal(subject: string, value: unknown): Promise<SealedContent>;
  /**
   * The value, or `ERASED`; at once where it stands in the event and its key is cached. Throws `SealBroken` for what was
   * changed or is another subject's, `BlobMissing` when its blob is lost.
   */
  open(subject: string, content: SealedContent): Opened | Promise<Opened>;
}

function jsonText(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError('content must be JSON');
  return text;
}

export interface ContentsParts {
  readonly keyring: Keyring;
  readonly blobs: Blobs;
  /** Left out: nothing is told to other threads, and all is decrypted. */
  readonly justSealed?: Pick<JustSealed, 'tell' | 'take'> | undefined;
}

export function createContents({ keyring, blobs, justSealed }: ContentsParts): Contents {
  return {
    async seal(subject, value) {
      const made = keyring.dataKey(subject);
      const key = made instanceof Promise ? await made : made;
      const { keyId } = key;
      const text = jsonText(value);
      const plain = Buffer.from(text);
      const bytes = plain.length;
      if (bytes > INLINE_BYTES)
        return { keyId, sealed: null, blob: (await blobs.write(subject, plain, key)).name, bytes };
      const sealed = sealBytes(key.key, plain).toString('base64');
      justSealed?.tell(keyId, sealed, text);
      return { keyId, sealed, blob: null, bytes };
    },
    open(subject, { keyId, sealed, blob }) {
      if (sealed === null) return openBlob(subject, keyId, blob);
      const key = keyring.keyOf(subject, keyId);
      const openInline = (found: KeyObject | 'erased'): Opened => {
        if (found === 'erased') return ERASED;
        const text = justSealed?.take(keyId, sealed) ?? openBytes(found, Buffer.from(sealed, 'base64')).toString();
        return JSON.parse(text) as Json;
      };
      return key instanceof Promise ? key.then(openInline) : openInline(key);
    },
  };

  async function openBlob(subject: string, keyId: string, blob: string | null): Promise<Opened> {
    if (blob === null) throw new TypeError('content is neither in its event nor in a blob');
    const text = await blobs.read({ tenantId: subject, keyId, name: blob });
    if (text === 'erased') return ERASED;
    if (!text) throw new BlobMissing(`the blob ${blob} is not there`);
    return JSON.parse(text.toString()) as Json;
  }
}
