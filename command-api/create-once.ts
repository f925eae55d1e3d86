// Creating a stream that may be named from an Idempotency-Key. The event store itself is the memory of such keys: a repeat
// finds its own event there; another body, whose event has another id, loses the append and is told so.

import { problems } from '#contracts/problems.ts';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { type EventStore, WrongExpectedRevision } from '#platform/event-store/event-store.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Written } from './acknowledge.ts';

type Streams = Pick<EventStore, 'append' | 'readStream'>;

export interface CreatedOnce extends Written {
  /** True when an earlier request with this key had created it. */
  readonly replayed: boolean;
}

/** The event that a stream began with, if it is this command's; throws 422 if the stream is another body's. */
export async function findCreated(
  store: Pick<Streams, 'readStream'>,
  stream: string,
  eventId: string,
): Promise<RecordedEvent | undefined> {
  const [first] = await store.readStream(stream, { limit: 1 });
  if (first && first.id !== eventId) throw keyReused();
  return first;
}

/** `repeatable`: the stream is named from an Idempotency-Key, so it may exist. */
export async function createOnce(
  store: Streams,
  stream: string,
  event: NewEvent,
  repeatable: boolean,
): Promise<CreatedOnce> {
  const earlier = repeatable ? await findCreated(store, stream, event.id) : undefined;
  if (earlier) return { stream, revision: earlier.revision, position: earlier.position, replayed: true };
  try {
    return { stream, ...(await store.append(stream, [event], 'no_stream')), replayed: false };
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error;
    const first = await findCreated(store, stream, event.id);
    if (!first) throw error;
    return { stream, revision: first.revision, position: first.position, replayed: true };
  }
}

export const keyReused = () =>
  new Problem(problems['idempotency-key-reused'], {
    detail: 'This Idempotency-Key was used before with another body.',
    errors: [{ in: 'header', pointer: '/idempotency-key', message: 'was used for another request' }],
  });

/** For the answer to a repeat (WIRE.md). */
export const replayHeaders = (replayed: boolean): Record<string, string> =>
  replayed ? { 'idempotent-replayed': 'true' } : {};
