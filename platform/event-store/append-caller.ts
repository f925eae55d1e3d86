// The near side of the append thread: bounds what waits, and gives errors their classes back.

import type { MessagePort } from 'node:worker_threads';
import type { NewEvent } from '#events/envelope.ts';
import { createThreadCaller, plainError, ThreadEnded, type ThrownHere } from '../threads/thread-calls.ts';
import { createAppendRequest, packAppend, requestSize } from './append-request.ts';
import {
  AppendOutcomeUnknown,
  type Appended,
  EventRefused,
  EventStoreBusy,
  type ExpectedRevision,
  WrongExpectedRevision,
} from './event-store.ts';
import type { PackedAnswer } from './sqlite-append-log.ts';

export interface AppendCaller {
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended>;
  /** Resolves if the append thread went away before `close`. */
  readonly failed: Promise<Error>;
  /** Waits for what is under way; after it appends are refused. */
  close(): Promise<void>;
}

/** The text of waiting appends, in UTF-16 units. */
const mostWaitingText = 64 * 1_048_576;

/** `grown` hears of the log's head after each commit of this process, before those who waited for it. */
export function openAppendCaller(port: MessagePort, maxQueued: number, grown: (head: bigint) => void): AppendCaller {
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const { promise: drained, resolve: drain } = Promise.withResolvers<void>();
  const caller = createThreadCaller(port, revive, (head) => grown(BigInt(head as number)));
  let waiting = 0;
  let waitingText = 0;
  let closed = false;
  port.on('close', () => closed || fail(new Error('the append thread has ended')));

  async function append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended> {
    if (closed) throw new EventStoreClosed();
    const request = createAppendRequest(stream, events, expected);
    const size = requestSize(request);
    if (waiting >= maxQueued || waitingText + size > mostWaitingText) {
      throw new EventStoreBusy(`${waiting} appends are waiting already`);
    }
    waiting += 1;
    waitingText += size;
    try {
      const answer = (await caller.call('append', packAppend(request))) as PackedAnswer;
      const [revision, position, recordedAt] = answer;
      return { revision, position: BigInt(position), recordedAt };
    } catch (error) {
      if (error instanceof ThreadEnded) throw new AppendOutcomeUnknown(error.message, { cause: error });
      throw error;
    } finally {
      waiting -= 1;
      waitingText -= size;
      if (closed && waiting === 0) drain();
    }
  }

  return {
    append,
    failed,
    async close() {
      closed = true;
      if (waiting > 0) await drained;
      port.close();
    },
  };
}

export class EventStoreClosed extends Error {
  override name = 'EventStoreClosed';
  readonly code = 'event-store-closed';
  readonly retriable = false;
  constructor() {
    super('the event store is closed');
  }
}

function revive(error: ThrownHere): Error {
  const { name, message, fields } = error;
  switch (name) {
    case 'WrongExpectedRevision':
      return new WrongExpectedRevision(
        String(fields['stream']),
        fields['expected'] as ExpectedRevision,
        fields['actual'] as number | undefined,
      );
    case 'EventRefused':
      return new EventRefused(message);
    case 'EventStoreBusy':
      return new EventStoreBusy(message);
    case 'AppendOutcomeUnknown':
      return new AppendOutcomeUnknown(message);
    default:
      return plainError(error);
  }
}
