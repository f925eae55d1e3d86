// An append as the server makes it, whichever call it came by.

import { status } from '@grpc/grpc-js';
import type { AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { NewEvent } from '#events/envelope.ts';
import { type ExpectedRevision, WrongExpectedRevision } from '#platform/event-store/event-store.ts';
import { after, before } from './apply-fault.ts';
import type { StandIn } from './stand-in.ts';
import { appendedMessage, failure, wrongExpectedMessage } from './wire.ts';

export interface AppendAsked {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly size: number;
  readonly expected: ExpectedRevision;
}

export async function appendWithFaults(standIn: StandIn, asked: AppendAsked): Promise<AppendResp | undefined> {
  if (asked.size > standIn.maxAppendSize) {
    throw failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${standIn.maxAppendSize} Exceeded.`, {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(standIn.maxAppendSize),
    });
  }
  if (asked.stream.startsWith('$')) throw accessDenied();
  const fault = standIn.plan.next('append');
  if ((await before(fault)) === 'stalled') return undefined;
  const response = await write(standIn, asked);
  return (await after(standIn, fault)) === 'stalled' ? undefined : response;
}

async function write({ log }: StandIn, { stream, events, expected }: AppendAsked): Promise<AppendResp> {
  const startedAt = Date.now();
  try {
    const appended = await log.append(stream, events, expected);
    // A repeat is answered without a position, as a real server may.
    const isRepeat = (appended.recordedAt ?? startedAt) < startedAt;
    const first = appended.position - 131n * BigInt(events.length - 1);
    return appendedMessage(appended, isRepeat ? undefined : first);
  } catch (error) {
    if (error instanceof WrongExpectedRevision) return wrongExpectedMessage(error);
    throw error;
  }
}

function accessDenied() {
  return failure(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });
}
