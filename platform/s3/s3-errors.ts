// What an S3 server's refusals mean. Codes are those of the S3 API reference ("Error responses"); a 404 of something in
// between has none of them, and is never taken for an absent object.

import { transientError } from '../errors.ts';

/** The server was not reached, or did not answer in time, or said that it cannot now. Trying again may help. */
export class S3Unavailable extends transientError('s3-unavailable') {}

/**
 * The server refuses for a reason that only whoever runs it can mend: a key, a right, a bucket that is gone. What was asked is
 * not at fault: it succeeds once the server is mended, so it is not given up for good.
 */
export class S3Refused extends transientError('s3-refused') {}

interface Answered {
  readonly status: number | undefined;
  readonly code: string;
}

/** The HTTP status and the S3 error code; the status is undefined when there was no answer. */
export function answeredBy(error: unknown): Answered {
  const {
    name = '',
    $metadata,
    $response,
  } = (error ?? {}) as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  return { status: $metadata?.httpStatusCode ?? $response?.statusCode, code: name };
}

export const isAbsentObject = (error: unknown): boolean => answeredBy(error).code === 'NoSuchKey';
export const isAbsentBucket = (error: unknown): boolean => answeredBy(error).code === 'NoSuchBucket';
/** Not a failure of `If-None-Match` alone: 409 says that another conditional write is under way, and is tried again. */
export const isPreconditionFailed = (error: unknown): boolean => answeredBy(error).status === 412;
export const isBeyondEnd = (error: unknown): boolean => answeredBy(error).status === 416;
/** The server does not know this operation at all. */
export const isNotImplemented = (error: unknown): boolean =>
  answeredBy(error).status === 501 || answeredBy(error).code === 'NotImplemented';

const TRY_AGAIN_CODES = new Set([
  'RequestTimeout',
  'SlowDown',
  'OperationAborted',
  'ConditionalRequestConflict',
  'Throttling',
  'ThrottlingException',
]);
const TRY_AGAIN_STATUSES = new Set([408, 425, 429]);

/** Whether the same request may succeed a moment later. Its outcome is unknown, unless the answer says otherwise. */
export function isTransientS3Error(error: unknown): boolean {
  if (error instanceof S3Unavailable) return true;
  const { status, code } = answeredBy(error);
  if (status !== undefined) {
    // A 2xx here is an answer that broke off or is no XML.
    if (status < 300 || TRY_AGAIN_STATUSES.has(status) || TRY_AGAIN_CODES.has(code)) return true;
    return status >= 500 && status !== 501;
  }
  if (error instanceof TypeError || error instanceof RangeError) return false;
  return code === 'TimeoutError' || code === 'AbortError' || typeof (error as { code?: unknown })?.code === 'string';
}
