// EventStoreDB's messages and statuses, made and read with the client package's own generated stubs.
// https://github.com/EventStore/EventStore: Streams.Read.cs, Streams.Append.cs, RpcExceptions.cs

import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendResp, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { NewEvent } from '#events/envelope.ts';
import type { Appended, WrongExpectedRevision } from '#platform/event-store/event-store.ts';

/** What both kinds of proposed message have. */
export interface ProposedMessage {
  getId(): UUID | undefined;
  getMetadataMap(): { get(key: string): string | undefined };
  getCustomMetadata_asU8(): Uint8Array;
  getData_asU8(): Uint8Array;
}

export function streamName(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');
}

/** The log behind the stand-in keeps JSON alone. */
export function readProposal(message: ProposedMessage): NewEvent {
  const type = message.getMetadataMap().get('type');
  const contentType = message.getMetadataMap().get('content-type');
  if (type === undefined || contentType === undefined) {
    throw failure(status.INVALID_ARGUMENT, "Required Metadata Property 'type' or 'content-type' is missing", {
      exception: 'missing-required-metadata-property',
      'required-metadata-properties': 'type,content-type',
    });
  }
  if (contentType !== 'application/json') {
    throw failure(status.INVALID_ARGUMENT, 'the stand-in takes application/json alone');
  }
  return {
    id: uuidText(message.getId()),
    type,
    data: parse(message.getData_asU8()),
    metadata: (parse(message.getCustomMetadata_asU8()) ?? {}) as NewEvent['metadata'],
  };
}

export function sizeOf(message: ProposedMessage): number {
  const type = message.getMetadataMap().get('type') ?? '';
  return type.length * 2 + message.getData_asU8().length + message.getCustomMetadata_asU8().length;
}

export function notFound(stream: string): ReadResp {
  const message = new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifier(stream));
  return new streams.ReadResp().setStreamNotFound(message);
}

export function confirmation(id: string): ReadResp {
  return new streams.ReadResp().setConfirmation(new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(id));
}

export function caughtUp(): ReadResp {
  return new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());
}

/** The pair names the last event and the first, as a real server's does. */
export function appendedMessage({ revision, position }: Appended, firstPosition: bigint | undefined): AppendResp {
  const success = new streams.AppendResp.Success().setCurrentRevision(String(revision));
  if (firstPosition === undefined) {
    success.setNoPosition(new shared.Empty());
  } else {
    const place = new streams.AppendResp.Position();
    success.setPosition(place.setCommitPosition(String(position)).setPreparePosition(String(firstPosition)));
  }
  return new streams.AppendResp().setSuccess(success);
}

export function wrongExpectedMessage({ expected, actual }: WrongExpectedRevision): AppendResp {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (actual === undefined) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(actual));
  if (expected === 'any') wrong.setExpectedAny(new shared.Empty());
  else if (expected === 'stream_exists') wrong.setExpectedStreamExists(new shared.Empty());
  else if (expected === 'no_stream') wrong.setExpectedNoStream(new shared.Empty());
  else wrong.setExpectedRevision(String(expected));
  return new streams.AppendResp().setWrongExpectedVersion(wrong);
}

/** A status with its trailers; the client tells errors apart by `exception`. */
export function failure(code: status, details: string, trailers: Readonly<Record<string, string>> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export function uuidText(uuid: UUID | undefined): string {
  if (!uuid?.hasStructured()) return (uuid?.getString() ?? '').toLowerCase();
  const structured = uuid.getStructured();
  const bits = (value: string | undefined) =>
    BigInt.asUintN(64, BigInt(value ?? 0))
      .toString(16)
      .padStart(16, '0');
  const hex = bits(structured?.getMostSignificantBits()) + bits(structured?.getLeastSignificantBits());
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function identifier(stream: string): StreamIdentifier {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8'));
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw failure(status.INVALID_ARGUMENT, 'the stand-in takes JSON alone');
  }
}
