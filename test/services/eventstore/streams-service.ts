// The Streams service of the stand-in: reads, the plain append, and catch-up subscriptions to $all. What Defter does not
// use is UNIMPLEMENTED. Reads go forwards and backwards, never filtered.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  type sendUnaryData,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendReq, AppendResp, ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import type { ExpectedRevision } from '#platform/event-store/event-store.ts';
import { appendWithFaults } from './append.ts';
import { before } from './apply-fault.ts';
import { asFailure } from './as-failure.ts';
import { batchAppend } from './batch-append.ts';
import { encodeEvent } from './encode-event.ts';
import type { StandIn } from './stand-in.ts';
import { caughtUp, confirmation, failure, notFound, readProposal, sizeOf, streamName } from './wire.ts';

/** Events are written as the bytes that they become. */
type ReadCall = ServerWritableStream<ReadReq, ReadResp | Buffer>;

export const streamsDefinition = {
  ...StreamsService,
  read: {
    ...StreamsService.read,
    responseSerialize: (message: ReadResp | Buffer) =>
      Buffer.isBuffer(message) ? message : StreamsService.read.responseSerialize(message),
  },
};

export function createStreamsService(standIn: StandIn): UntypedServiceImplementation {
  const { access, counts } = standIn;
  return {
    read(call: ReadCall) {
      const isSubscription = call.request.getOptions()?.hasSubscription() ?? false;
      counts[isSubscription ? 'subscribe' : 'read'] += 1;
      const run = isSubscription ? subscribe(standIn, call) : read(standIn, call);
      access
        .check(call.metadata)
        .then(() => run())
        .catch((error: unknown) => call.emit('error', asFailure(error)));
    },
    append(call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>) {
      counts.append += 1;
      append(standIn, call).then(
        (response) => response && answer(null, response),
        (error: unknown) => answer(asFailure(error)),
      );
    },
    batchAppend: batchAppend(standIn),
    delete: unimplemented,
    tombstone: unimplemented,
  };
}

/** Undefined when the caller is to wait for ever. */
async function append(
  standIn: StandIn,
  call: ServerReadableStream<AppendReq, AppendResp>,
): Promise<AppendResp | undefined> {
  let options: AppendReq.Options | undefined;
  let size = 0;
  const events: NewEvent[] = [];
  for await (const request of call as AsyncIterable<AppendReq>) {
    options ??= request.getOptions();
    const message = request.getProposedMessage();
    if (!message) continue;
    size += sizeOf(message);
    events.push(readProposal(message));
  }
  if (isAborted(call)) throw failure(status.CANCELLED, 'the caller broke off');
  if (!options) throw failure(status.UNKNOWN, 'Exception was thrown by handler.');
  await standIn.access.check(call.metadata);
  const stream = streamName(options.getStreamIdentifier());
  return appendWithFaults(standIn, { stream, events, size, expected: expectedOf(options) });
}

/**
 * grpc-js takes a request that was broken off in the middle for one that has come to its end, and so would the stand-in
 * append a part of it. The HTTP/2 stream below knows.
 */
function isAborted(call: ServerReadableStream<AppendReq, AppendResp>): boolean {
  const { stream } = (call as unknown as { readonly call: { readonly stream: { readonly aborted: boolean } } }).call;
  return call.cancelled || stream.aborted;
}

function read({ log, plan }: StandIn, call: ReadCall): () => Promise<void> {
  return async () => {
    const options = call.request.getOptions();
    const count = Number(options?.getCount());
    if (!options || options.hasFilter() || !(count > 0)) throw failure(status.INVALID_ARGUMENT, 'not a read');
    const fault = plan.next('read');
    if ((await before(fault)) === 'stalled') return;
    const backwards = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;
    const all = options.getAll();
    if (all) {
      const place = all.getPosition();
      const from = place && BigInt(place.getCommitPosition());
      if (backwards) await send(call, await log.readBackwards(from, count));
      else if (!all.hasEnd()) await send(call, await log.readForwards(from, count));
    } else {
      const asked = options.getStream();
      const stream = streamName(asked?.getStreamIdentifier());
      const from = asked?.hasRevision() ? Number(asked.getRevision()) : undefined;
      const events = await log.readStream(stream, { from, limit: count, backwards });
      const isAbsent =
        events.length === 0 && (await log.readStream(stream, { from: undefined, limit: 1, backwards })).length === 0;
      if (isAbsent) call.write(notFound(stream));
      await send(call, events);
    }
    call.end();
  };
}

function subscribe({ log, plan, subscriptions }: StandIn, call: ReadCall): () => Promise<void> {
  return async () => {
    const options = call.request.getOptions();
    const all = options?.getAll();
    if (!options || !all || options.hasFilter()) throw failure(status.UNIMPLEMENTED, 'only all of $all');
    const over = new AbortController();
    call.on('cancelled', () => over.abort());
    call.on('close', () => over.abort());
    if ((await before(plan.next('subscribe'))) === 'stalled') return;
    const cut = (how: 'error' | 'end') => {
      over.abort();
      if (how === 'end') call.end();
      else call.emit('error', failure(status.ABORTED, 'Operation timed out'));
    };
    subscriptions.add(cut);
    over.signal.addEventListener('abort', () => subscriptions.delete(cut), { once: true });
    const place = all.getPosition();
    const head = await log.head();
    const from = all.hasEnd() ? head : place && BigInt(place.getCommitPosition());
    const chunks = await log.subscribe(from === 0n ? undefined : from, over.signal);
    await write1(call, confirmation(randomUUID()), over.signal);
    if ((from ?? 0n) >= head) await write1(call, caughtUp(), over.signal);
    for await (const chunk of chunks) {
      const fault = plan.next('deliver');
      if ((await before(fault)) === 'stalled') return;
      for (let time = fault?.kind === 'repeat' ? 2 : 1; time > 0; time -= 1) {
        await send(call, chunk, over.signal);
      }
      if ((chunk.at(-1)?.position ?? 0n) >= head) await write1(call, caughtUp(), over.signal);
    }
  };
}

async function send(call: ReadCall, events: readonly RecordedEvent[], signal?: AbortSignal): Promise<void> {
  for (const event of events) {
    if (signal?.aborted || call.cancelled) return;
    await write1(call, encodeEvent(event), signal);
  }
}

async function write1(call: ReadCall, message: ReadResp | Buffer, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted || call.cancelled || call.write(message)) return;
  const waited = new AbortController();
  const either = ['drain', 'close', 'cancelled'].map((event) => once(call, event, { signal: waited.signal }));
  await Promise.race(either).catch(() => undefined);
  waited.abort();
  await Promise.allSettled(either);
}

function expectedOf(options: AppendReq.Options): ExpectedRevision {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasStreamExists()) return 'stream_exists';
  return options.hasAny() ? 'any' : Number(options.getRevision());
}

function unimplemented(_: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>): void {
  answer(failure(status.UNIMPLEMENTED, 'the stand-in does not delete'));
}
