// What uploads that were cut off (a kill, a power cut) leave behind.

import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { Log } from '../logging/log.ts';
import type { S3Bucket } from './open-bucket.ts';
import { answeredBy, isNotImplemented } from './s3-errors.ts';

/** No upload takes so long. */
const LEFTOVER_MS = 86_400_000;

/**
 * Removes the objects under `incoming` and aborts the uploads of this namespace that were begun a day or more before `now`.
 * What it cannot remove is said in the log and left for the next time.
 */
export async function removeS3Leftovers(
  opened: Pick<S3Bucket, 'calls' | 'bucket' | 'prefix'>,
  incoming: string,
  { log, now = Date.now }: { readonly log: Log; readonly now?: () => number },
): Promise<void> {
  const before = now() - LEFTOVER_MS;
  try {
    await removeObjects(opened, incoming, before);
    await abortUploads(opened, before);
  } catch (error) {
    if (!isNotImplemented((error as Error).cause)) log.warn({ err: error }, 'uploads that were cut off are not swept');
  }
}

async function removeObjects({ calls, bucket }: Pick<S3Bucket, 'calls' | 'bucket'>, incoming: string, before: number) {
  for (let after: string | undefined; ;) {
    const request = { Bucket: bucket, Prefix: incoming, ...(after !== undefined && { StartAfter: after }) };
    const { Contents = [], IsTruncated } = await calls.call('a listing of uploads', ({ client, abortSignal }) =>
      client.send(new ListObjectsV2Command(request), { abortSignal }),
    );
    for (const { Key, LastModified } of Contents) {
      if (Key === undefined || LastModified === undefined || LastModified.getTime() >= before) continue;
      await calls.call('to remove an upload', ({ client, abortSignal }) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key }), { abortSignal }),
      );
    }
    after = Contents.at(-1)?.Key;
    if (!IsTruncated || after === undefined) return;
  }
}

async function abortUploads({ calls, bucket, prefix }: Pick<S3Bucket, 'calls' | 'bucket' | 'prefix'>, before: number) {
  for (let marker: { KeyMarker?: string; UploadIdMarker?: string } = {}; ;) {
    const request = { Bucket: bucket, Prefix: prefix, ...marker };
    const page = await calls.call('a listing of uploads', ({ client, abortSignal }) =>
      client.send(new ListMultipartUploadsCommand(request), { abortSignal }),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || Initiated === undefined || Initiated.getTime() >= before) continue;
      await abortOne({ Bucket: bucket, Key, UploadId });
    }
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return;
    marker = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextUploadIdMarker !== undefined && { UploadIdMarker: page.NextUploadIdMarker }),
    };
  }

  async function abortOne(upload: { Bucket: string; Key: string; UploadId: string | undefined }): Promise<void> {
    const isGone = (error: unknown) => answeredBy(error).code === 'NoSuchUpload';
    try {
      await calls.call(
        'to abort an upload',
        ({ client, abortSignal }) => client.send(new AbortMultipartUploadCommand(upload), { abortSignal }),
        { expected: isGone },
      );
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}
