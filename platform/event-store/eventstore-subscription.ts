// One catch-up subscription to $all. What arrives waits, so much and no more, until the consumer asks for it: nothing runs
// ahead of a failure. It ends only when told to. Every other end is a drop and throws, the silent ones
// too: the protocol has no heartbeat, so a subscription that says nothing is compared with the log's head now and then.
// A plain subscription, not a filtered one: their checkpoints have been wrong in several versions of the server. Its
// start is the position of an event that was handled, commit and prepare both.

import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { RecordedEvent } from '#events/envelope.ts';
import { asError } from '../errors.ts';
import { createBell } from '../patience/bell.ts';
import type { EventStoreConnection } from './eventstore-connection.ts';
import { commandError, EventStoreAccessDenied, isAccessDenied, SubscriptionDropped } from './eventstore-errors.ts';
import { callRead, type ReadCall } from './eventstore-read-call.ts';
import { placeAfter, visibleEvent } from './eventstore-reads.ts';
import type { ReadAnswer } from './eventstore-wire.ts';

export interface SubscriptionLimits {
  /** By then the server must have confirmed it. */
  readonly confirmedWithinMs: number;
  /** Silence after which the head is asked for. */
  readonly silenceMs: number;
  /** Time to deliver what the head shows to be there; after it the subscription counts as dropped. */
  readonly graceMs: number;
}

export interface SubscriptionParts {
  readonly connection: EventStoreConnection;
  readonly head: () => Promise<bigint>;
  readonly limits: SubscriptionLimits;
  /** Aborts when the store closes. */
  readonly closed: AbortSignal;
}

const chunkLength = 1_000;

export async function* subscribeToLog(
  { connection, head, limits, closed }: SubscriptionParts,
  after: bigint,
  signal: AbortSignal,
): AsyncGenerator<readonly RecordedEvent[]> {
  if (signal.aborted) return;
  closed.throwIfAborted();
  const client = connection.client();
  const bell = createBell();
  let waiting: ReadAnswer[] = [];
  let fault: Error | undefined;
  let confirmed = false;
  let reached = after;
  let heardAt = performance.now();
  let behindSince: number | undefined;
  let isAsking = false;
  const stop = (error: Error) => {
    fault ??= error;
    bell.ring();
  };
  const begun = callRead(client, { subscribeAfter: placeAfter(after) });
  begun.then(listen, (error: unknown) => stop(asDropped(error)));

  function listen(call: ReadCall): void {
    // For good: what comes after the end, with nobody listening, would end the process.
    call.on('error', (error) => stop(asDropped(error)));
    call.on('end', () => stop(new SubscriptionDropped('the server ended the subscription')));
    call.on('data', (answer: ReadAnswer) => {
      waiting.push(answer);
      if (waiting.length >= chunkLength) call.pause();
      bell.ring();
    });
  }

  /** What has arrived: the events after `reached` (a resumed subscription may repeat). */
  async function take(): Promise<RecordedEvent[]> {
    const taken = waiting;
    waiting = [];
    (await begun).resume();
    heardAt = performance.now();
    behindSince = undefined;
    confirmed ||= taken.some(({ kind }) => kind === 'confirmation');
    const events: RecordedEvent[] = [];
    for (const answer of taken) {
      const event = answer.kind === 'event' ? visibleEvent(answer) : undefined;
      if (!event || event.position <= reached) continue;
      reached = event.position;
      events.push(event);
    }
    return events;
  }

  signal.addEventListener('abort', bell.ring, { once: true });
  closed.addEventListener('abort', bell.ring, { once: true });

  /** In the background; what it finds is looked at in the loop. */
  async function askHead(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    try {
      const newest = await head();
      if (newest <= reached) heardAt = performance.now();
      else behindSince ??= performance.now();
    } catch (error) {
      stop(asDropped(error));
    } finally {
      isAsking = false;
    }
  }

  function checkSilence(): void {
    const now = performance.now();
    const silence = now - heardAt;
    if (!confirmed && silence > limits.confirmedWithinMs) {
      throw new SubscriptionDropped(
        `EventStoreDB has not confirmed the subscription in ${limits.confirmedWithinMs} ms`,
      );
    }
    if (behindSince !== undefined && now - behindSince > limits.graceMs) {
      throw new SubscriptionDropped('the subscription is silent although the log has grown');
    }
    if (confirmed && silence > limits.silenceMs) void askHead();
  }

  try {
    for (;;) {
      if (signal.aborted) return;
      if (closed.aborted) throw new Error('the event store was closed');
      if (waiting.length > 0) {
        const events = await take();
        if (events.length > 0) yield events;
        // A log that is written as fast as it is read must not keep this thread from everything else.
        await letOthersRun();
        continue;
      }
      if (fault) {
        connection.failed(client, fault.cause instanceof Error ? fault.cause : fault);
        throw fault;
      }
      checkSilence();
      await bell.wait(Math.min(limits.graceMs, limits.silenceMs, limits.confirmedWithinMs));
    }
  } finally {
    signal.removeEventListener('abort', bell.ring);
    closed.removeEventListener('abort', bell.ring);
    void begun.then(
      (call) => call.cancel(),
      () => undefined, // It never began.
    );
  }
}

function asDropped(thrown: unknown): Error {
  const error = commandError(asError(thrown));
  if (isAccessDenied(error)) {
    return new EventStoreAccessDenied('EventStoreDB does not let these credentials subscribe', { cause: error });
  }
  return new SubscriptionDropped(`the subscription was dropped: ${error.message}`, { cause: error });
}
