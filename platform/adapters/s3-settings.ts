import type { S3BucketOptions } from '../s3/open-bucket.ts';
import type { AdapterOptions } from './opened.ts';

/** undefined where S3_ENDPOINT is not set. */
export function s3Settings(
  { config, log, signal }: AdapterOptions,
  purpose: 'blobs' | 'vault',
): S3BucketOptions | undefined {
  const { s3Endpoint: endpoint, s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey, namespace } = config;
  if (endpoint === undefined || accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const named = purpose === 'blobs' ? config.s3Bucket : config.s3VaultBucket;
  return {
    endpoint,
    region: config.s3Region,
    accessKeyId,
    secretAccessKey,
    bucket: named ?? `${namespace}-${purpose}`,
    namespace,
    log,
    ...(signal && { signal }),
  };
}
