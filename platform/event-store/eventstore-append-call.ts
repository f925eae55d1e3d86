// One append as one gRPC call, tried once. See eventstore-connection.ts for why not the client's own.
// The call has no gRPC deadline and is not cancelled while its request may be on its way: Node's http2 ends the request
// before it resets the stream, and the server would take the events sent by then for the whole append. (The call itself
// says that it is written long before it is.) Past the deadline it is left to itself; what it does later is idempotent.
// Streams.Append: https://github.com/EventStore/EventStore, protocol `event_store.client.streams`.

import { type EventStoreDBClient, ErrorType } from '@eventstore/db-client';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendReq, AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { asError } from '../errors.ts';
import { within } from '../patience/within.ts';
import type { ClientWritableStream } from '@grpc/grpc-js';
import type { AppendRequest, EventText } from './append-request.ts';
import { EventRefused, WrongExpectedRevision } from './event-store.ts';
import { internalsOf } from './eventstore-connection.ts';
import { commandError, EventStoreAccessDenied, isAccessDenied, isType, noAnswer } from './eventstore-errors.ts';

/** An append at a place: only this the server repeats safely however much later. */
export interface PlacedAppend extends AppendRequest {
  readonly expected: number | 'no_stream';
}

export interface AppendCallAnswer {
  /** Of the last event. */
  readonly revision: number;
  /** Absent when the server did not say it for certain: then it must be read. */
  readonly position?: bigint;
}

/** A connection on which nothing moves is dead long before (the client's keep-alive). */
const cancelAfterMs = 30_000;

/** What is known of the call that an attempt makes. */
interface Attempt {
  call?: ClientWritableStream<AppendReq>;
}

/**
 * Rejects with `WrongExpectedRevision`, `EventRefused` or `EventStoreAccessDenied`: nothing was written by this call;
 * after any other error that is not known.
 */
export async function callAppend(
  client: EventStoreDBClient,
  request: PlacedAppend,
  deadlineMs: number,
): Promise<AppendCallAnswer> {
  const attempt: Attempt = {};
  const answer = send(client, request, attempt);
  try {
    return await within(deadlineMs, answer, () => noAnswer(deadlineMs));
  } catch (error) {
    leave(attempt, answer);
    throw error;
  }
}

/** What comes late is of no interest; what never comes is cancelled when there can be nothing left to send. */
function leave({ call }: Attempt, answer: Promise<unknown>): void {
  const timer = setTimeout(() => call?.cancel(), cancelAfterMs).unref();
  const end = () => clearTimeout(timer);
  answer.then(end, end);
}

function send(client: EventStoreDBClient, request: PlacedAppend, attempt: Attempt): Promise<AppendCallAnswer> {
  const internals = internalsOf(client);
  return internals.execute(
    StreamsClient,
    'append',
    (stub) =>
      new Promise<AppendCallAnswer>((resolve, reject) => {
        const [metadata, options] = internals.callArguments({ requiresLeader: true }, { deadline: Infinity });
        const call = stub.append(metadata, options, (error: unknown, answer: AppendResp) => {
          if (error) return reject(refusalOf(request, commandError(error)));
          try {
            resolve(readAnswer(request, answer));
          } catch (refusal) {
            reject(asError(refusal));
          }
        });
        attempt.call = call;
        // Writing to a call that has failed meanwhile; without a listener it would end the process.
        call.on('error', reject);
        call.write(header(request));
        for (const event of request.events) call.write(proposal(event));
        call.end();
      }),
  );
}

function header({ stream, expected }: PlacedAppend): AppendReq {
  const options = new streams.AppendReq.Options();
  options.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8')));
  if (expected === 'no_stream') options.setNoStream(new shared.Empty());
  else options.setRevision(String(expected));
  return new streams.AppendReq().setOptions(options);
}

function proposal({ id, type, data, metadata }: EventText): AppendReq {
  const message = new streams.AppendReq.ProposedMessage();
  message.setId(new shared.UUID().setString(id));
  message.getMetadataMap().set('type', type).set('content-type', 'application/json');
  message.setData(Buffer.from(data, 'utf8'));
  message.setCustomMetadata(Buffer.from(metadata, 'utf8'));
  return new streams.AppendReq().setProposedMessage(message);
}

function readAnswer({ stream, expected, events }: PlacedAppend, answer: AppendResp): AppendCallAnswer {
  const wrong = answer.getWrongExpectedVersion();
  if (wrong) {
    const actual = wrong.hasCurrentRevision() ? Number(wrong.getCurrentRevision()) : undefined;
    throw new WrongExpectedRevision(stream, expected, actual);
  }
  const success = answer.getSuccess();
  if (!success?.hasCurrentRevision())
    throw new TypeError(`EventStoreDB's answer to an append to ${stream} says nothing`);
  const revision = Number(success.getCurrentRevision());
  const position = success.getPosition();
  const commit = position?.getCommitPosition();
  // For several events the pair names the last and the first; for a repeat it may be missing.
  const isCertain = events.length === 1 && commit !== undefined && commit === position?.getPreparePosition();
  return isCertain ? { revision, position: BigInt(commit) } : { revision };
}

function refusalOf({ stream, expected }: PlacedAppend, error: Error): Error {
  if (isType(error, ErrorType.WRONG_EXPECTED_VERSION)) {
    const { actualVersion } = error as { actualVersion?: unknown };
    const actual = typeof actualVersion === 'bigint' && actualVersion >= 0n ? Number(actualVersion) : undefined;
    return new WrongExpectedRevision(stream, expected, actual);
  }
  const refusals = [
    ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
    ErrorType.MISSING_REQUIRED_METADATA_PROPERTY,
    ErrorType.STREAM_DELETED,
  ];
  if (refusals.some((type) => isType(error, type))) {
    return new EventRefused(`${stream}: EventStoreDB refuses the append: ${error.message}`, { cause: error });
  }
  if (isAccessDenied(error)) {
    return new EventStoreAccessDenied(`${stream}: EventStoreDB does not let these credentials append`, {
      cause: error,
    });
  }
  return error;
}
