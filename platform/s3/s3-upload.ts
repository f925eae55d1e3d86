// Uploads that hold at most one part in memory. What fits into one part is one PutObject; more is a multipart upload
// (Amazon S3 User Guide, "Uploading and copying objects using multipart upload": parts of 5 MiB or more but the last, at
// most 10,000). A part sent again replaces itself.

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { Log } from '../logging/log.ts';
import type { S3Bucket } from './open-bucket.ts';
import { answeredBy } from './s3-errors.ts';
import { cutIntoParts } from './cut-into-parts.ts';

export const PART = 8 * 2 ** 20;
/** What the server copies at once; a single copy may have 5 GiB, but would take longer than a call may. */
const COPY_PART = 256 * 2 ** 20;
/** For the deadline: a copy is taken to move at least this share of the bytes that a sending would. */
const COPY_WEIGHT = 1 / 8;

export interface S3Upload {
  /** Durable when it resolves. */
  bytes(key: string, bytes: Uint8Array): Promise<void>;
  /** As `bytes`, of what `source` yields; `key` is asked at its end. `temporary`: where a long one is put together. */
  stream(source: AsyncIterable<Uint8Array>, temporary: string, key: () => string): Promise<void>;
}

export function createS3Upload({ calls, bucket }: Pick<S3Bucket, 'calls' | 'bucket'>, log: Log): S3Upload {
  const put = (key: string, bytes: Uint8Array) =>
    calls.call(
      'to write a blob',
      async ({ client, abortSignal }) => {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }), { abortSignal });
      },
      { bytes: bytes.length },
    );

  /** A multipart upload of what `sendParts` sends; aborted when that fails. */
  async function inParts(
    key: string,
    sendParts: (upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string }) => Promise<{
      readonly parts: CompletedPart[];
      readonly size: number;
    }>,
  ): Promise<void> {
    const target = { Bucket: bucket, Key: key };
    const { UploadId = '' } = await calls.call('to begin an upload', ({ client, abortSignal }) =>
      client.send(new CreateMultipartUploadCommand(target), { abortSignal }),
    );
    const upload = { ...target, UploadId };
    try {
      const { parts, size } = await sendParts(upload);
      await complete(upload, parts, size);
    } catch (error) {
      await abort(upload);
      throw error;
    }
  }

  const complete = (
    upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
    parts: CompletedPart[],
    size: number,
  ) =>
    calls.call(
      'to end an upload',
      async ({ client, abortSignal, number }) => {
        const request = { ...upload, MultipartUpload: { Parts: parts } };
        try {
          await client.send(new CompleteMultipartUploadCommand(request), { abortSignal });
        } catch (error) {
          // An attempt whose answer was lost has ended the upload; then the object is there, whole.
          if (number === 1 || answeredBy(error).code !== 'NoSuchUpload') throw error;
          const list = new ListObjectsV2Command({ Bucket: bucket, Prefix: upload.Key, MaxKeys: 1 });
          const { Contents = [] } = await client.send(list, { abortSignal });
          if (Contents[0]?.Key !== upload.Key || Contents[0].Size !== size) throw error;
        }
      },
      { bytes: size * COPY_WEIGHT },
    );

  async function abort(upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string }) {
    try {
      await calls.call(
        'to abort an upload',
        ({ client, abortSignal }) => client.send(new AbortMultipartUploadCommand(upload), { abortSignal }),
        { attempts: 2, expected: (error) => answeredBy(error).code === 'NoSuchUpload' },
      );
    } catch (error) {
      if (answeredBy(error).code === 'NoSuchUpload') return;
      log.warn({ err: error }, 'a failed upload is left to be swept');
    }
  }

  /** Sends the parts one after the other; answers how many bytes they were. */
  const send = async (key: string, parts: AsyncIterable<Uint8Array>) => {
    let size = 0;
    await inParts(key, async (upload) => {
      const sent: CompletedPart[] = [];
      for await (const part of parts) {
        const PartNumber = sent.length + 1;
        const { ETag } = await calls.call(
          'to write a part',
          ({ client, abortSignal }) =>
            client.send(new UploadPartCommand({ ...upload, PartNumber, Body: part }), { abortSignal }),
          { bytes: part.length },
        );
        sent.push({ PartNumber, ...(ETag !== undefined && { ETag }) });
        size += part.length;
      }
      return { parts: sent, size };
    });
    return size;
  };

  const copy = async (from: string, key: string, size: number) => {
    const CopySource = `${bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
    if (size <= COPY_PART) {
      await calls.call(
        'to copy a blob',
        ({ client, abortSignal }) =>
          client.send(new CopyObjectCommand({ Bucket: bucket, Key: key, CopySource }), { abortSignal }),
        { bytes: size * COPY_WEIGHT },
      );
      return;
    }
    await inParts(key, async (upload) => {
      const copied: CompletedPart[] = [];
      for (let at = 0; at < size; at += COPY_PART) {
        const PartNumber = copied.length + 1;
        const CopySourceRange = `bytes=${at}-${Math.min(at + COPY_PART, size) - 1}`;
        const request = { ...upload, PartNumber, CopySource, CopySourceRange };
        const { CopyPartResult } = await calls.call(
          'to copy a part',
          ({ client, abortSignal }) => client.send(new UploadPartCopyCommand(request), { abortSignal }),
          { bytes: COPY_PART * COPY_WEIGHT },
        );
        copied.push({ PartNumber, ...(CopyPartResult?.ETag !== undefined && { ETag: CopyPartResult.ETag }) });
      }
      return { parts: copied, size };
    });
  };

  const remove = async (key: string) => {
    try {
      await calls.call('to remove an upload', ({ client, abortSignal }) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal }),
      );
    } catch (error) {
      log.warn({ err: error }, 'an upload is left to be swept');
    }
  };

  return {
    async bytes(key, bytes) {
      if (bytes.length <= PART) return put(key, bytes);
      await send(key, cutIntoParts([bytes], PART));
    },
    async stream(source, temporary, key) {
      const parts = cutIntoParts(source, PART);
      const { value: first = new Uint8Array() } = await parts.next();
      if (first.length < PART) return put(key(), first); // a part that is not full is the last
      const all = async function* () {
        yield first;
        yield* parts;
      };
      try {
        const size = await send(temporary, all());
        await copy(temporary, key(), size);
      } finally {
        await parts.return(undefined);
        await remove(temporary);
      }
    },
  };
}
