import type { IncomingMessage } from 'node:http';
import getRawBody from 'raw-body';

/** The body is longer than allowed; what is unread is left to the caller of `readBody`. */
export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge';
}

/** The client left before it had sent the whole body: there is no one to answer. */
export class ClientGone extends Error {
  override name = 'ClientGone';
}

/** What the headers say of the body: its length in bytes, 0 without one, undefined when only the end will tell. */
export function announcedLength(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length'];
  if (length !== undefined) return Number(length);
  return request.headers['transfer-encoding'] === undefined ? 0 : undefined;
}

/** The whole body, at most `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const length = announcedLength(request);
  if (length !== undefined && length > limit) throw new BodyTooLarge();
  if (request.destroyed) throw new ClientGone();
  try {
    return await getRawBody(request, length === undefined ? { limit } : { limit, length });
  } catch (error) {
    if ((error as { type?: string }).type === 'entity.too.large') throw new BodyTooLarge();
    throw new ClientGone(undefined, { cause: error });
  }
}
