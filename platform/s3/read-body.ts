import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { S3Unavailable } from './s3-errors.ts';

/** All of an answer's body. Rejects with `S3Unavailable` when it is shorter than the answer said: it was cut off. */
export async function readBody(
  { Body, ContentLength }: Pick<GetObjectCommandOutput, 'Body' | 'ContentLength'>,
  progress: () => void,
): Promise<Uint8Array> {
  if (!(Body instanceof Readable)) throw new S3Unavailable('an answer has no body');
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of Body as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    progress();
  }
  if (ContentLength !== undefined && length !== ContentLength) {
    throw new S3Unavailable(`an answer was cut off: ${length} of ${ContentLength} bytes came`);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
