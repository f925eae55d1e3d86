// Appends a request's end at expected revision 0, so that it is revision 1 whoever else tries: one recorded result.

import { createEvent, type Origin } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { persist } from '#platform/patience/persist.ts';
import type { Contents } from '#platform/content/content.ts';
import { isStorageFault, isTransient } from '#platform/errors.ts';
import { type EventStore, WrongExpectedRevision } from '#platform/event-store/event-store.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import { newId } from '#platform/new-id.ts';
import type { RunResult } from '#platform/model-host/model-runtime.ts';
import { inferenceChannel } from '#events/live.ts';

/** Acts for Defter itself. */
const WORKER = { kind: 'system', id: 'workers:inference' } as const;

export interface Outcome {
  readonly result: RunResult;
  readonly startedAt: number;
  readonly attempt: number;
}

export interface RecordResultOptions {
  readonly store: Pick<EventStore, 'append'>;
  readonly contents: Pick<Contents, 'seal'>;
  readonly live: LiveChannel;
  readonly log: Log;
}

export function createResultRecorder({ store, contents, live, log }: RecordResultOptions) {
  const resultEvent = async (request: RecordedEvent, { result, startedAt, attempt }: Outcome) => {
    const { tenantId, $correlationId, traceparent } = request.metadata;
    const value = result.ok ? result.output : result.error.message;
    const content = await contents.seal(tenantId, value);
    const origin: Origin = {
      eventId: newId(),
      commandId: request.id,
      tenantId,
      actor: WORKER,
      correlationId: $correlationId,
      ...(traceparent !== undefined && { traceparent }),
    };
    return result.ok
      ? createEvent(
          'InferenceCompleted',
          { output: content, ...result.usage, cache: 'bypass', startedAt, attempt },
          origin,
        )
      : createEvent('InferenceFailed', { code: result.error.code, message: content, attempt }, origin);
  };

  /** Resolves once the request has an end in the log, whether this one or another's. Retries for as long as it takes. */
  return async (request: RecordedEvent, inferenceId: string, outcome: Outcome, signal: AbortSignal): Promise<void> => {
    const fields = { inferenceId, correlationId: request.metadata.$correlationId };
    // Its keys, and what is large of it, are kept elsewhere; made once, so that each append is of the same event.
    const event = await persist(
      () => resultEvent(request, outcome),
      signal,
      (err, attempt) => log.warn({ ...fields, err, attempt }, 'could not seal a result, trying again'),
      { isHopeless: (err) => !isTransient(err) && !isStorageFault(err) },
    );
    try {
      await persist(
        () => store.append(request.stream, [event], request.revision),
        signal,
        (err, attempt) => log.warn({ ...fields, err, attempt }, 'could not append a result, trying again'),
      );
    } catch (err) {
      if (!(err instanceof WrongExpectedRevision)) throw err;
      log.debug(fields, 'another result was first; this one is dropped');
    }
    live.publish(inferenceChannel(inferenceId), { type: 'ended' }, { keep: false });
  };
}
