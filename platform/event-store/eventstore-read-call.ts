// One read or subscription as one gRPC call over the client's generated stubs. Streams.Read does both.

import type { EventStoreDBClient } from '@eventstore/db-client';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { StreamsClient, StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { internalsOf } from './eventstore-connection.ts';
import { decodeReadAnswer, type ReadAnswer } from './eventstore-wire.ts';

export type ReadAsked =
  | {
      readonly stream: string;
      /** The first revision wanted; default the first, or the last one when backwards. */
      readonly from: number | undefined;
      readonly limit: number;
      readonly backwards: boolean;
    }
  | {
      /** In the whole log; forwards inclusive, backwards exclusive. */
      readonly place: bigint | 'start' | 'end';
      readonly limit: number;
      readonly backwards: boolean;
    }
  | {
      /** To the whole log; exclusive. */
      readonly subscribeAfter: bigint | 'start';
    };

export type ReadCall = ClientReadableStream<ReadAnswer>;

/**
 * Rejects when no call could be made. The call has no deadline; who reads it cancels it, and listens to its errors for
 * good: one that nobody hears ends the process.
 */
export function callRead(client: EventStoreDBClient, asked: ReadAsked): Promise<ReadCall> {
  const internals = internalsOf(client);
  const begin = internals.GRPCStreamCreator(StreamsClient, 'read', (stub) => {
    // What a leader has acknowledged, a leader's read has.
    const [metadata, options] = internals.callArguments({ requiresLeader: true }, { deadline: Infinity });
    const { path, requestSerialize } = StreamsService.read;
    return stub.makeServerStreamRequest(path, requestSerialize, decodeReadAnswer, request(asked), metadata, options);
  });
  return begin();
}

const empty = () => new shared.Empty();

function request(asked: ReadAsked): ReadReq {
  const options = new streams.ReadReq.Options();
  options.setUuidOption(new streams.ReadReq.Options.UUIDOption().setString(empty()));
  options.setNoFilter(empty());
  options.setResolveLinks(false);
  if ('subscribeAfter' in asked) {
    options.setSubscription(new streams.ReadReq.Options.SubscriptionOptions());
    options.setAll(placeOptions(asked.subscribeAfter));
  } else {
    options.setCount(String(asked.limit));
    options.setReadDirection(asked.backwards ? 1 : 0);
    if ('stream' in asked) options.setStream(streamOptions(asked));
    else options.setAll(placeOptions(asked.place));
  }
  return new streams.ReadReq().setOptions(options);
}

function placeOptions(place: bigint | 'start' | 'end') {
  const all = new streams.ReadReq.Options.AllOptions();
  if (place === 'start') return all.setStart(empty());
  if (place === 'end') return all.setEnd(empty());
  const position = new streams.ReadReq.Options.Position();
  return all.setPosition(position.setCommitPosition(String(place)).setPreparePosition(String(place)));
}

function streamOptions(asked: {
  readonly stream: string;
  readonly from: number | undefined;
  readonly backwards: boolean;
}) {
  const options = new streams.ReadReq.Options.StreamOptions();
  options.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(asked.stream, 'utf8')));
  if (asked.from !== undefined) return options.setRevision(String(asked.from));
  return asked.backwards ? options.setEnd(empty()) : options.setStart(empty());
}
