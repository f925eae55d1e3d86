import { RelayFenced } from './relay-target.ts';
import { asError, transientError } from '../errors.ts';

const FENCED_TYPES = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED']);
const FENCED_CODES = new Set([47, 90]);

/**
 * Whether the broker refused a producer because a newer one has its transactional id, or because its transaction timed
 * out. kafkajs 2.2.4 does not know code 90 (PRODUCER_FENCED) and has the number in its message alone.
 */
export function isFencing(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const { type, code } = at as { type?: unknown; code?: unknown };
    if (FENCED_TYPES.has(type as string) || FENCED_CODES.has(code as number)) return true;
    if (/unknown error code 90\b/i.test(at.message)) return true;
  }
  return false;
}

/** The port's error for whatever a producer threw: `RelayFenced`, or one that says that the outcome is not known. */
export function writeFailure(what: string, cause: unknown): Error {
  const reason = asError(cause).message;
  if (isFencing(cause)) return new RelayFenced(`${what}: another session was opened since: ${reason}`, { cause });
  return new RelayWriteFailed(`${what}: ${reason}`, { cause });
}

/** What was written, if anything, tells the next session's checkpoint. */
export class RelayWriteFailed extends transientError('relay-write-failed') {}
