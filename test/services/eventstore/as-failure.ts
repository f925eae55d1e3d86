import { status } from '@grpc/grpc-js';
import { EventRefused } from '#platform/event-store/event-store.ts';
import { InvalidPosition } from './log.ts';
import { failure } from './wire.ts';

/** The status that a caller gets for what was thrown. */
export function asFailure(error: unknown) {
  if (error instanceof EventRefused) return failure(status.INVALID_ARGUMENT, error.message);
  if (error instanceof InvalidPosition) return failure(status.UNKNOWN, 'Unexpected ReadAllResult: Error');
  if (error instanceof Error && 'code' in error && 'metadata' in error) return error as ReturnType<typeof failure>;
  return failure(status.UNKNOWN, error instanceof Error ? error.message : String(error));
}
