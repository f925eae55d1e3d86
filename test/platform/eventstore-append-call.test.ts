import { once } from 'node:events';
import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createAppendRequest } from '#platform/event-store/append-request.ts';
import { callAppend } from '#platform/event-store/eventstore-append-call.ts';
import { openEventStoreConnection } from '#platform/event-store/eventstore-connection.ts';
import { EventStoreUnavailable } from '#platform/event-store/eventstore-errors.ts';
import { eventStoreAt } from '../support/event-store-at.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';
import { someEvents } from '../support/some-event.ts';

/** A server that never answers, and counts the gRPC messages of each request until it has come to its end. */
async function openSilentServer() {
  const begun: { messages: number; ended: boolean; reset: boolean }[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    const request = { messages: 0, ended: false, reset: false };
    begun.push(request);
    let bytes = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (; bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1); request.messages += 1) {
        bytes = bytes.subarray(5 + bytes.readUInt32BE(1));
      }
    });
    stream.on('end', () => (request.ended = !stream.aborted));
    stream.on('aborted', () => (request.reset = true));
    stream.on('error', () => stream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  return { url: `esdb://127.0.0.1:${(server.address() as AddressInfo).port}?tls=false`, begun, close };
}

describe('one append call to EventStoreDB', () => {
  // Node's http2 ends a request that is cancelled before it resets the stream: what was sent by then would be the append.
  it('is never cut in the middle of its events, however early its deadline', async () => {
    const server = await openSilentServer();
    const connection = openEventStoreConnection(eventStoreAt(server.url), createQuietLog());
    const few = { ...createAppendRequest('some-stream', someEvents(1), 'no_stream'), expected: 'no_stream' } as const;
    const many = { ...few, events: createAppendRequest('some-stream', someEvents(3_000), 'no_stream').events };
    await refusal(EventStoreUnavailable, callAppend(connection.client(), few, 500));
    await refusal(EventStoreUnavailable, callAppend(connection.client(), many, 5));
    expect(server.begun.at(-1)?.messages ?? 0).to.be.lessThan(3_001);
    await eventually(() => expect(server.begun[1]?.ended || server.begun[1]?.reset).to.equal(true), 10_000);
    expect(server.begun.map(({ messages }) => messages)).to.deep.equal([2, 3_001]);
    await connection.close();
    server.close();
  });
});
