// BatchAppend, which the client package's own `appendToStream` takes when the server offers it. Defter's adapter never
// does; it is offered here, as a real server offers it, so that a test can see that.

import type { ServerDuplexStream } from '@grpc/grpc-js';
import anyMessage from 'google-protobuf/google/protobuf/any_pb.js';
import emptyMessage from 'google-protobuf/google/protobuf/empty_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import type { Status } from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendResp, BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { NewEvent } from '#events/envelope.ts';
import { appendWithFaults } from './append.ts';
import { asFailure } from './as-failure.ts';
import type { StandIn } from './stand-in.ts';
import { readProposal, sizeOf, streamName, uuidText } from './wire.ts';

interface Gathering {
  readonly options: BatchAppendReq.Options;
  readonly events: NewEvent[];
  size: number;
}

type BatchCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

export function batchAppend(standIn: StandIn): (call: BatchCall) => void {
  return (call) => {
    const gathering = new Map<string, Gathering>();
    call.on('data', (request: BatchAppendReq) => {
      const id = uuidText(request.getCorrelationId());
      const options = request.getOptions();
      if (options) gathering.set(id, { options, events: [], size: 0 });
      const gathered = gathering.get(id);
      if (!gathered) return;
      for (const message of request.getProposedMessagesList()) {
        gathered.size += sizeOf(message);
        gathered.events.push(readProposal(message));
      }
      if (!request.getIsFinal()) return;
      gathering.delete(id);
      standIn.counts.batchAppend += 1;
      run(standIn, gathered).then(
        (answer) => answer && call.write(respond(request, gathered, answer)),
        (error: unknown) => call.emit('error', asFailure(error)),
      );
    });
    call.on('end', () => call.end());
  };
}

function run(standIn: StandIn, { options, events, size }: Gathering): Promise<AppendResp | undefined> {
  const stream = streamName(options.getStreamIdentifier());
  const expected = options.hasNoStream()
    ? 'no_stream'
    : options.hasStreamExists()
      ? 'stream_exists'
      : options.hasAny()
        ? 'any'
        : Number(options.getStreamPosition());
  return appendWithFaults(standIn, { stream, events, size, expected });
}

function respond(request: BatchAppendReq, { options }: Gathering, answer: AppendResp): BatchAppendResp {
  const response = new streams.BatchAppendResp().setCorrelationId(request.getCorrelationId());
  response.setStreamIdentifier(options.getStreamIdentifier());
  const wrong = answer.getWrongExpectedVersion();
  if (wrong) {
    const details = new shared.WrongExpectedVersion();
    if (wrong.hasCurrentRevision()) details.setCurrentStreamRevision(wrong.getCurrentRevision());
    else details.setCurrentNoStream(new emptyMessage.Empty());
    if (wrong.hasExpectedRevision()) details.setExpectedStreamPosition(wrong.getExpectedRevision());
    return response.setError(errorStatus(details));
  }
  const success = new streams.BatchAppendResp.Success();
  success.setCurrentRevision(answer.getSuccess()?.getCurrentRevision() ?? '0');
  const place = answer.getSuccess()?.getPosition();
  if (place) {
    const position = new shared.AllStreamPosition().setCommitPosition(place.getCommitPosition());
    success.setPosition(position.setPreparePosition(place.getPreparePosition()));
  } else {
    success.setNoPosition(new emptyMessage.Empty());
  }
  return response.setSuccess(success);
}

function errorStatus(details: { serializeBinary(): Uint8Array }): Status {
  const packed = new anyMessage.Any();
  packed.pack(details.serializeBinary(), 'event_store.client.WrongExpectedVersion');
  return new statuses.Status().setCode(9).setMessage('WrongExpectedVersion').setDetails(packed);
}
