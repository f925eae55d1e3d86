import type { IncomingMessage, ServerResponse } from 'node:http';
import getRawBody from 'raw-body';
import { within } from '../patience/within.ts';
import { NamedError } from '../errors.ts';

/** The body is longer than allowed; what is unread stays in the connection. */
export class BodyTooLarge extends NamedError {
  /** Bytes. */
  readonly limit: number;
  constructor(limit: number) {
    super(`the body is longer than ${limit} bytes`);
    this.limit = limit;
  }
}

/** The body did not arrive in time; what is unread stays in the connection. */
export class BodyTooSlow extends NamedError {}

/** The client left before it had sent the whole body: there is no one to answer. */
export class ClientGone extends NamedError {}

/** What the headers say of the body: its length in bytes, 0 without one, undefined when only the end will tell. */
export function announcedLength(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length'];
  if (length !== undefined) return Number(length);
  return request.headers['transfer-encoding'] === undefined ? 0 : undefined;
}

/** Whether the client waits to be told to send its body (RFC 9110, section 10.1.1). */
export const isAwaitingContinue = (request: IncomingMessage, response: ServerResponse) =>
  request.headers.expect !== undefined && request.httpVersion !== '1.0' && !told.has(response);

const told = new WeakSet<ServerResponse>();

/** Refuses a body that is too large by its own words; else has it sent, if the client waits for that. */
export function requestBody(request: IncomingMessage, response: ServerResponse, limit: number): void {
  if ((announcedLength(request) ?? 0) > limit) throw new BodyTooLarge(limit);
  if (request.destroyed) throw new ClientGone();
  if (!isAwaitingContinue(request, response)) return;
  told.add(response);
  response.writeContinue();
}

/** The whole body, at most `limit` bytes that arrive within `timeoutMs`. */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  { limit, timeoutMs }: { readonly limit: number; readonly timeoutMs: number },
): Promise<Buffer> {
  requestBody(request, response, limit);
  const length = announcedLength(request);
  const isHere = request.readableLength === length;
  try {
    const reading = getRawBody(request, { limit, length: length ?? null });
    // Most bodies came with their headers: no timer for those.
    return isHere ? await reading : await within(timeoutMs, reading, () => new BodyTooSlow());
  } catch (error) {
    if (error instanceof BodyTooSlow) throw error;
    if ((error as { type?: string }).type === 'entity.too.large') throw new BodyTooLarge(limit);
    throw new ClientGone(undefined, { cause: error });
  }
}
