import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import type { S3BucketOptions } from '#platform/s3/open-bucket.ts';
import { createQuietLog, type QuietLog } from '../../support/quiet-log.ts';
import type { Environment } from '../describe-on.ts';

/** A part of the buckets of its own, and what removes all that is in it. */
export interface S3Namespace {
  readonly blobs: S3BucketOptions;
  readonly vault: S3BucketOptions;
  readonly log: QuietLog;
  /** Not one of ours: no retries, no names. */
  readonly client: S3Client;
  /** The keys of a bucket's objects, all of the namespace's. */
  keys(bucket: string): Promise<string[]>;
  /** Every byte of the namespace's objects in a bucket. */
  bytes(bucket: string): Promise<Buffer>;
  close(): Promise<void>;
}

export function openS3Namespace(env: Environment): S3Namespace {
  const value = (name: string) => {
    const found = env[name];
    if (!found) throw new Error(`${name} is not set`);
    return found;
  };
  const namespace = `test-${randomUUID()}`;
  const server = {
    endpoint: value('S3_ENDPOINT'),
    region: value('S3_REGION'),
    accessKeyId: value('S3_ACCESS_KEY_ID'),
    secretAccessKey: value('S3_SECRET_ACCESS_KEY'),
  };
  const log = createQuietLog();
  const common = { ...server, namespace, log, createBucket: true };
  const [blobs, vault] = [value('S3_BUCKET'), value('S3_VAULT_BUCKET')];
  const client = new S3Client({ ...server, credentials: server, forcePathStyle: true });

  const keys = async (bucket: string) => {
    const found: string[] = [];
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${namespace}/` })) {
      for (const { Key = '' } of page.Contents ?? []) found.push(Key);
    }
    return found;
  };

  return {
    blobs: { ...common, bucket: blobs },
    vault: { ...common, bucket: vault },
    log,
    client,
    keys,
    async bytes(bucket) {
      const parts: Uint8Array[] = [];
      for (const Key of await keys(bucket)) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
        parts.push(await Body!.transformToByteArray());
      }
      return Buffer.concat(parts);
    },
    async close() {
      for (const bucket of [blobs, vault]) {
        const found = await keys(bucket).catch((error: Error) => {
          if (error.name === 'NoSuchBucket') return [];
          throw error;
        });
        for (const Key of found) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
      }
      client.destroy();
    },
  };
}
