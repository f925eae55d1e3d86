// What EventStoreDB's client throws, sorted by what can be done about it.

import { AccessDeniedError, convertToCommandError, ErrorType, isCommandError } from '@eventstore/db-client';
import { asError, finalError, isFinal, transientError } from '../errors.ts';

/** The server did not answer in time, or could not be reached; the same may be asked again. Of an append nothing is said. */
export class EventStoreUnavailable extends transientError('event-store-unavailable') {}

/** A subscription is over without having been told to end; subscribe again from the last position handled. */
export class SubscriptionDropped extends transientError('subscription-dropped') {}

/** The server does not know these credentials, or does not let them do this. */
export class EventStoreAccessDenied extends finalError('event-store-access-denied') {}

/** The log holds what Defter cannot have written: not JSON, without Defter's metadata, or in an explicit transaction. */
export class ForeignEvent extends finalError('foreign-event') {}

export const noAnswer = (withinMs: number): EventStoreUnavailable =>
  new EventStoreUnavailable(`no answer within ${Math.round(withinMs)} ms`);

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const permissionDenied = 7;
const unauthenticated = 16;
const unavailable = 14;
const deadlineExceeded = 4;

/** A gRPC error as the client names it; anything else is returned as an Error. */
export function commandError(thrown: unknown): Error {
  const error = asError(thrown);
  try {
    return convertToCommandError(error);
  } catch {
    // The client reads trailers that this error does not have.
    return error;
  }
}

export function isAccessDenied(error: Error): boolean {
  if (error instanceof EventStoreAccessDenied || error instanceof AccessDeniedError) return true;
  return [permissionDenied, unauthenticated].includes(grpcCode(error) ?? -1);
}

/** Whether the connection may be at fault, so that a new one is worth trying: it broke, or nothing came by it. */
export function connectionFault(error: Error): 'lost' | 'late' | undefined {
  if (grpcCode(error) === unavailable) return 'lost';
  return error instanceof EventStoreUnavailable || grpcCode(error) === deadlineExceeded ? 'late' : undefined;
}

export function isType(error: Error, type: ErrorType): boolean {
  return isCommandError(error) && error.type === type;
}

/** Whether asking again with the same words can only be answered the same. */
export function isHopeless(error: Error): boolean {
  return isAccessDenied(error) || isFinal(error);
}

function grpcCode(error: Error): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}
