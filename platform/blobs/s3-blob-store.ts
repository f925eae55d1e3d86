// Blobs as objects (s3-blob-keys.ts). A long stream, whose name is known only at its end, is uploaded in parts to a key
// under `<namespace>/.incoming/` and copied on the server; a name stands for all of its bytes or does not exist.

import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { openBucket, type S3BucketOptions } from '../s3/open-bucket.ts';
import { readBody } from '../s3/read-body.ts';
import { answeredBy, isAbsentObject, isBeyondEnd } from '../s3/s3-errors.ts';
import { createS3Upload } from '../s3/s3-upload.ts';
import { removeS3Leftovers } from '../s3/s3-leftovers.ts';
import { type BlobStore, isBlobName } from './blob-store.ts';
import { blobKey, blobKeyStart, blobName } from './s3-blob-keys.ts';

const INCOMING = '.incoming/';
/** The first character that a name can begin with comes after it; the incoming ones before. */
const BEFORE_NAMES = '/';
const MOST_KEYS = 1_000;

export interface S3BlobStore extends BlobStore {
  /** Rejects with a sentence unless the bucket answers now. */
  health(): Promise<void>;
}

/**
 * Waits for a server that is absent; rejects with a `StartError` when the bucket cannot be used (open-bucket.ts). Calls
 * reject with `S3Unavailable` or `S3Refused` when they do not succeed in time (s3-calls.ts).
 */
export async function openS3BlobStore(
  options: S3BucketOptions & { readonly now?: () => number },
): Promise<S3BlobStore> {
  const opened = await openBucket(options);
  const { calls, bucket, prefix } = opened;
  const upload = createS3Upload(opened, options.log);
  await removeS3Leftovers(opened, `${prefix}${INCOMING}`, options);

  const keyOf = (name: string) => blobKey(prefix, name);

  /** Undefined only where the server names the object absent: a HEAD's 404 does not say whether it is the bucket. */
  const unlessAbsent = async <T>(work: () => Promise<T>) => {
    try {
      return await work();
    } catch (error) {
      if (isAbsentObject(error)) return undefined;
      throw error;
    }
  };

  const head = (name: string) => {
    const object = { Bucket: bucket, Key: keyOf(name) };
    return unlessAbsent(() =>
      calls.call(
        'to find a blob',
        async ({ client, abortSignal }) => {
          try {
            return await client.send(new HeadObjectCommand(object), { abortSignal });
          } catch (error) {
            if (answeredBy(error).status !== 404) throw error;
          }
          // Absent, then this says so by its code; here by now, then this has the answer too.
          const found = await client.send(new GetObjectCommand(object), { abortSignal });
          if (found.Body instanceof Readable) found.Body.destroy();
          return found;
        },
        { expected: isAbsentObject },
      ),
    );
  };

  const read: BlobStore['read'] = async (name, range) => {
    const key = keyOf(name);
    if (range && !isRange(range)) throw new RangeError('a range is two whole numbers, zero or more');
    if (range?.length === 0) return (await head(name)) && new Uint8Array();
    const request = { Bucket: bucket, Key: key, ...(range && { Range: rangeHeader(range) }) };
    return unlessAbsent(() =>
      calls.call(
        'to read a blob',
        async ({ client, abortSignal, progress }) => {
          try {
            const answer = await client.send(new GetObjectCommand(request), { abortSignal });
            const bytes = await readBody(answer, progress);
            // A server that does not know ranges answers with everything.
            const isPart = range === undefined || answer.ContentRange !== undefined;
            return isPart ? bytes : bytes.subarray(range.offset, range.offset + range.length);
          } catch (error) {
            if (isBeyondEnd(error)) return new Uint8Array();
            throw error;
          }
        },
        { expected: isAbsentObject },
      ),
    );
  };

  return {
    async write(name, bytes) {
      await upload.bytes(keyOf(name), bytes);
    },
    async writeStream(bytes, name) {
      await upload.stream(bytes, `${prefix}${INCOMING}${randomUUID()}`, () => keyOf(name()));
    },
    read,
    async writtenAt(name) {
      return (await head(name))?.LastModified?.getTime();
    },
    async remove(name) {
      const request = { Bucket: bucket, Key: keyOf(name) };
      await calls.call('to remove a blob', async ({ client, abortSignal }) => {
        await client.send(new DeleteObjectCommand(request), { abortSignal });
      });
    },
    async list(start, limit, after = '') {
      const names: string[] = [];
      let last = isBlobName(after) ? keyOf(after) : `${prefix}${BEFORE_NAMES}`;
      while (names.length < limit) {
        const range = { Prefix: blobKeyStart(prefix, start), StartAfter: last };
        const MaxKeys = Math.min(limit - names.length, MOST_KEYS);
        const { Contents = [], IsTruncated } = await calls.call('a listing of blobs', ({ client, abortSignal }) =>
          client.send(new ListObjectsV2Command({ Bucket: bucket, ...range, MaxKeys }), { abortSignal }),
        );
        for (const { Key = '' } of Contents) {
          const name = blobName(prefix, Key);
          if (name?.startsWith(start) && name > after) names.push(name);
        }
        last = Contents.at(-1)?.Key ?? last;
        if (!IsTruncated || Contents.length === 0) break;
      }
      return names;
    },
    health: () => opened.health(),
    async close() {
      calls.close();
    },
  };
}

const isRange = ({ offset, length }: { readonly offset: number; readonly length: number }): boolean =>
  Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;

/** RFC 9110, section 14.1.2: both ends are in it. */
function rangeHeader({ offset, length }: { readonly offset: number; readonly length: number }): string {
  const last = offset + length - 1;
  return `bytes=${offset}-${Number.isSafeInteger(last) ? last : ''}`;
}
