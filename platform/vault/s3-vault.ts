// The vault as one object per name. What is removed must be gone, so the bucket may keep no versions, and what is created
// must be created once, so the server must honour `If-None-Match: *` (RFC 9110, section 13.1.2; Amazon S3 User Guide, "How
// to prevent object overwrites with conditional writes"). Both are found out at open, not believed.

import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { openBucket, type S3BucketOptions } from '../s3/open-bucket.ts';
import { readBody } from '../s3/read-body.ts';
import type { S3Attempt } from '../s3/s3-calls.ts';
import { isAbsentObject, isPreconditionFailed, S3Unavailable } from '../s3/s3-errors.ts';
import { checkConditionalWrites, checkKeepsNoVersions, versionsKept } from './check-vault-bucket.ts';
import type { Vault } from './vault.ts';
import { vaultKey, vaultName } from './vault-key.ts';

export interface S3Vault extends Vault {
  /** Rejects with a sentence unless the bucket answers now and still keeps no versions. */
  health(): Promise<void>;
}

/**
 * Waits for a server that is absent; rejects with a `StartError` when the bucket cannot be used (open-bucket.ts), keeps
 * versions or locks objects, or does not honour conditional writes. Calls reject with `S3Unavailable` or `S3Refused`.
 */
export async function openS3Vault(options: S3BucketOptions): Promise<S3Vault> {
  const opened = await openBucket(options);
  const { calls, bucket, prefix } = opened;
  try {
    await checkKeepsNoVersions(opened);
    await checkConditionalWrites(opened);
  } catch (error) {
    calls.close();
    throw error;
  }

  const objectOf = (name: string) => ({ Bucket: bucket, Key: `${prefix}${vaultKey(name)}` });

  const readOnce = async (name: string, { client, abortSignal, progress }: S3Attempt) => {
    try {
      return await readBody(await client.send(new GetObjectCommand(objectOf(name)), { abortSignal }), progress);
    } catch (error) {
      if (isAbsentObject(error)) return undefined;
      throw error;
    }
  };

  /** True when this attempt, or an earlier one whose answer was lost, wrote the value that is there. */
  const createOnce = async (name: string, value: Uint8Array, attempt: S3Attempt): Promise<boolean> => {
    try {
      const request = { ...objectOf(name), Body: value, IfNoneMatch: '*' };
      await attempt.client.send(new PutObjectCommand(request), { abortSignal: attempt.abortSignal });
      return true;
    } catch (error) {
      if (!isPreconditionFailed(error)) throw error;
    }
    if (attempt.number === 1) return false;
    const there = await readOnce(name, attempt);
    if (!there) throw new S3Unavailable('an entry came and went while it was being created');
    return Buffer.compare(there, value) === 0;
  };

  return {
    create: (name, value) => calls.call('to create a vault entry', (attempt) => createOnce(name, value, attempt)),
    read: (name) => calls.call('to read a vault entry', (attempt) => readOnce(name, attempt)),
    async replace(name, value) {
      await calls.call('to replace a vault entry', ({ client, abortSignal }) =>
        client.send(new PutObjectCommand({ ...objectOf(name), Body: value }), { abortSignal }),
      );
    },
    async remove(name) {
      await calls.call('to remove a vault entry', ({ client, abortSignal }) =>
        client.send(new DeleteObjectCommand(objectOf(name)), { abortSignal }),
      );
    },
    async list(start) {
      const names: string[] = [];
      for (let after: string | undefined; ;) {
        const range = { Prefix: `${prefix}${vaultKey(start)}`, ...(after !== undefined && { StartAfter: after }) };
        const { Contents = [], IsTruncated } = await calls.call('a listing of the vault', ({ client, abortSignal }) =>
          client.send(new ListObjectsV2Command({ Bucket: bucket, ...range }), { abortSignal }),
        );
        for (const { Key = '' } of Contents) {
          const name = vaultName(Key.slice(prefix.length));
          if (name !== undefined) names.push(name);
        }
        after = Contents.at(-1)?.Key;
        if (!IsTruncated || after === undefined) break;
      }
      return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    },
    async health() {
      const fault = await calls.call('a look at its vault bucket', (attempt) => versionsKept(attempt, bucket), {
        attempts: 1,
      });
      if (fault !== undefined) throw new Error(fault);
    },
    async close() {
      calls.close();
    },
  };
}
