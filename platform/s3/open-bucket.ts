// A bucket, ready to be used: its server waited for, the key and the bucket itself found good.

import { CreateBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { Interrupted, persist } from '../patience/persist.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import { StartError } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { openS3Calls, reasonOf, type S3Attempt, type S3Calls, type S3Server } from './s3-calls.ts';
import { answeredBy, isAbsentBucket, isTransientS3Error, S3Unavailable } from './s3-errors.ts';

const ASK_AGAIN_MS = 500;

export interface S3BucketOptions extends S3Server {
  readonly bucket: string;
  /** The first part of all keys, so that several installations can share a bucket: letters, digits, `.`, `_`, `-`. */
  readonly namespace: string;
  /** Whether to make the bucket when it is missing; by default it is refused. */
  readonly createBucket?: boolean;
  readonly log: Log;
  /** Ends the waiting for a server that is absent, with `Interrupted`. */
  readonly signal?: AbortSignal;
}

export interface S3Bucket {
  readonly calls: S3Calls;
  readonly bucket: string;
  /** `<namespace>/`: what every key begins with. */
  readonly prefix: string;
  /** Rejects with a sentence unless the bucket answers now. */
  health(): Promise<void>;
}

const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/**
 * Waits for a server that is absent, saying so in the log. Rejects with a `StartError` for a wrong key, a missing bucket
 * (unless it may be made) and what else the server refuses.
 */
export async function openBucket(options: S3BucketOptions): Promise<S3Bucket> {
  const { bucket, namespace, log, signal } = options;
  if (!NAMESPACE.test(namespace)) throw new StartError(`The namespace ${namespace} cannot begin the keys of a bucket.`);
  const calls = openS3Calls(options);
  const list = async ({ client, abortSignal }: S3Attempt) => {
    const request = new ListObjectsV2Command({ Bucket: bucket, Prefix: `${namespace}/`, MaxKeys: 1 });
    const { Name } = await client.send(request, { abortSignal });
    // Any page of HTML passes for a listing of nothing.
    if (Name !== bucket) throw new S3Unavailable('what answers is no S3 server');
  };
  const once = (work: (attempt: S3Attempt) => Promise<void>) =>
    calls.call('a look into its bucket', work, { attempts: 1, expected: (error) => !isTransientS3Error(error) });

  try {
    const isToBeMade = (error: unknown) => options.createBucket === true && isAbsentBucket(error);
    const look = async () => {
      try {
        await once(list);
      } catch (error) {
        if (!isToBeMade(error)) throw error;
        await createBucket(once, options);
        await once(list);
      }
    };
    const warn = saySeldom((err: unknown) =>
      log.warn({ endpoint: calls.endpoint, bucket, err }, 'waiting for the S3 server'),
    );
    await persist(look, signal, warn, {
      isHopeless: (error) => !isTransientS3Error(error) && !isToBeMade(error),
      waitMs: () => ASK_AGAIN_MS,
    }).catch((error: unknown) => {
      throw error instanceof Interrupted ? error : refusal(options, error);
    });
  } catch (error) {
    calls.close();
    throw error;
  }
  return {
    calls,
    bucket,
    prefix: `${namespace}/`,
    health: () => calls.call(`to read bucket ${bucket}`, list, { attempts: 1 }),
  };
}

async function createBucket(
  once: (work: (attempt: S3Attempt) => Promise<void>) => Promise<void>,
  options: S3BucketOptions,
): Promise<void> {
  const { bucket, region, log } = options;
  // The API refuses its own default region when it is written (CreateBucketConfiguration, LocationConstraint).
  const place = region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } };
  try {
    await once(async ({ client, abortSignal }) => {
      await client.send(new CreateBucketCommand({ Bucket: bucket, ...place }), { abortSignal });
    });
    log.info({ bucket }, 'made the bucket');
  } catch (error) {
    // Whether it is there now, the next look shows.
    if (isTransientS3Error(error) || answeredBy(error).code === 'BucketAlreadyOwnedByYou') return;
    throw error;
  }
}

/** What keeps the program from starting, for whoever set the variables. */
function refusal({ endpoint, bucket, region }: S3BucketOptions, error: unknown): Error {
  const { status, code } = answeredBy(error);
  if (status === undefined) return error as Error;
  const why = `${status} ${code}`;
  if (isAbsentBucket(error)) {
    return new StartError(`The S3 server at ${endpoint} has no bucket ${bucket}; node main.ts migrate makes it.`);
  }
  // The latter is versitygw's answer, for the key of the request itself.
  if (code === 'InvalidAccessKeyId' || code === 'XAdminUserNotFound') {
    return new StartError(`The S3 server at ${endpoint} does not know S3_ACCESS_KEY_ID (${why}).`);
  }
  if (code === 'SignatureDoesNotMatch') {
    return new StartError(`The S3 server at ${endpoint} says that S3_SECRET_ACCESS_KEY is wrong (${why}).`);
  }
  if (code === 'AccessDenied' || status === 403) {
    return new StartError(`The key in S3_ACCESS_KEY_ID may not use bucket ${bucket} at ${endpoint} (${why}).`);
  }
  if (['AuthorizationHeaderMalformed', 'PermanentRedirect', 'IncorrectEndpoint'].includes(code)) {
    return new StartError(`Bucket ${bucket} at ${endpoint} is not in S3_REGION ${region} (${why}).`);
  }
  return new StartError(`The S3 server at ${endpoint} refuses bucket ${bucket}: ${reasonOf(error)}`);
}
