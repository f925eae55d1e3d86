// The near side of the append thread: bounds what waits, and gives errors their classes back.

import type { MessagePort } from 'node:worker_threads';
import type { NewEvent } from '#events/envelope.ts';
import { createThreadCaller, plainError, ThreadEnded, type ThrownHere } from '../threads/thread-calls.ts';
import { createAppendRequest, packAppend } from './append-request.ts';
import { createAppendRoom } from './append-room.ts';
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

/** `grown` hears of the log's head after each commit of this process, before those who waited for it. */
export function openAppendCaller(port: MessagePort, maxQueued: number, grown: (head: bigint) => void): AppendCaller {
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const caller = createThreadCaller(port, revive, (head) => grown(BigInt(head as number)));
  const room = createAppendRoom(maxQueued);
  let closed = false;
  port.on('close', () => closed || fail(new Error('the append thread has ended')));

  async function append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended> {
    room.assertOpen();
    const request = createAppendRequest(stream, events, expected);
    try {
      const answer = await room.hold(request, () => caller.call('append', packAppend(request)));
      const [revision, position, recordedAt] = answer as PackedAnswer;
      return { revision, position: BigInt(position), recordedAt };
    } catch (error) {
      if (error instanceof ThreadEnded) throw new AppendOutcomeUnknown(error.message, { cause: error });
      throw error;
    }
  }

  return {
    append,
    failed,
    async close() {
      closed = true;
      await room.close();
      port.close();
    },
  };
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
