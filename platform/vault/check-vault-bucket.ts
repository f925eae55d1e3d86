// What a bucket must be for a vault to really delete in it.

import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { StartError } from '../errors.ts';
import type { S3Bucket } from '../s3/open-bucket.ts';
import type { S3Attempt } from '../s3/s3-calls.ts';
import { answeredBy, isNotImplemented, isPreconditionFailed, S3Refused } from '../s3/s3-errors.ts';

/** No name's key (vault-key.ts), so that the vault never lists it. */
const PROBE = '!probe';

/** A sentence that says why what is removed from the bucket would not be gone; undefined when it is gone. */
export async function versionsKept({ client, abortSignal }: S3Attempt, bucket: string): Promise<string | undefined> {
  try {
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }), { abortSignal });
    // Suspended: what was written before still has its versions.
    if (Status !== undefined) {
      const kept = `Bucket ${bucket} of the vault has versioning ${Status.toLowerCase()}, so what is erased would stay`;
      return `${kept}; set S3_VAULT_BUCKET to a bucket that never had it.`;
    }
  } catch (error) {
    if (!isNotImplemented(error)) throw error;
  }
  return undefined;
}

async function locksObjects({ client, abortSignal }: S3Attempt, bucket: string): Promise<boolean> {
  try {
    const request = new GetObjectLockConfigurationCommand({ Bucket: bucket });
    const { ObjectLockConfiguration } = await client.send(request, { abortSignal });
    return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  } catch (error) {
    const { code, status } = answeredBy(error);
    // The answer for a bucket that has none (code by the API reference; some servers name it otherwise, always with 404).
    if (code === 'ObjectLockConfigurationNotFoundError' || isNotImplemented(error)) return false;
    if (status === 404 && code.startsWith('ObjectLockConfigurationNotFound')) return false;
    throw error;
  }
}

/** Throws a `StartError` when the bucket keeps versions, locks objects, or does not let itself be asked. */
export async function checkKeepsNoVersions({ calls, bucket }: Pick<S3Bucket, 'calls' | 'bucket'>): Promise<void> {
  try {
    const fault = await calls.call('to say whether its vault bucket keeps versions', (attempt) =>
      versionsKept(attempt, bucket),
    );
    if (fault !== undefined) throw new StartError(fault);
    if (await calls.call('to say whether its vault bucket locks objects', (attempt) => locksObjects(attempt, bucket))) {
      throw new StartError(
        `Bucket ${bucket} of the vault locks its objects; set S3_VAULT_BUCKET to one that does not.`,
      );
    }
  } catch (error) {
    if (error instanceof S3Refused) throw new StartError(`${error.message}; the vault must know.`);
    throw error;
  }
}

/** Throws a `StartError` unless the server refuses to create what is there. */
export async function checkConditionalWrites({
  calls,
  bucket,
  prefix,
}: Pick<S3Bucket, 'calls' | 'bucket' | 'prefix'>): Promise<void> {
  const request = { Bucket: bucket, Key: `${prefix}${PROBE}`, Body: new Uint8Array(), IfNoneMatch: '*' };
  const isRefused = async ({ client, abortSignal }: S3Attempt) => {
    try {
      await client.send(new PutObjectCommand(request), { abortSignal });
      return false;
    } catch (error) {
      if (isPreconditionFailed(error)) return true;
      throw error;
    }
  };
  try {
    // The first time may make it.
    if (await calls.call('to create in its vault bucket', isRefused)) return;
    if (await calls.call('to create in its vault bucket', isRefused)) return;
  } catch (error) {
    if (error instanceof S3Refused) throw new StartError(`${error.message}; the vault needs conditional writes.`);
    throw error;
  }
  throw new StartError(
    `The S3 server at ${calls.endpoint} ignores If-None-Match, so two could create one key; the vault needs it.`,
  );
}
