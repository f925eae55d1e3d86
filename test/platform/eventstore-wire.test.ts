import { expect } from 'chai';
import fc from 'fast-check';
import { convertGrpcRecord } from '@eventstore/db-client/dist/utils/convertGrpcEvent.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { ForeignEvent } from '#platform/event-store/eventstore-errors.ts';
import { visibleEvent } from '#platform/event-store/eventstore-reads.ts';
import { decodeReadAnswer, type ServerEvent } from '#platform/event-store/eventstore-wire.ts';

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bytes = fc.json().map((text) => Buffer.from(text, 'utf8'));
const record = fc.record({
  // The client's own reader knows no newer versions.
  id: fc.uuid({ version: [1, 3, 4, 5] }),
  structured: fc.boolean(),
  stream: name,
  type: name,
  revision: fc.integer({ min: 0 }),
  commit: number,
  prepare: number,
  created: fc.integer({ min: 0, max: 8_000_000_000_000 }),
  contentType: fc.constantFrom('application/json', 'application/octet-stream'),
  data: bytes,
  metadata: bytes,
});

type SomeRecord = typeof record extends fc.Arbitrary<infer T> ? T : never;

function uuid({ id, structured }: SomeRecord) {
  if (!structured) return new shared.UUID().setString(id);
  const hex = id.replaceAll('-', '');
  const half = (from: number) => String(BigInt.asIntN(64, BigInt(`0x${hex.slice(from, from + 16)}`)));
  const bits = new shared.UUID.Structured().setMostSignificantBits(half(0)).setLeastSignificantBits(half(16));
  return new shared.UUID().setStructured(bits);
}

function message(some: SomeRecord) {
  const made = new streams.ReadResp.ReadEvent.RecordedEvent();
  made.setId(uuid(some));
  made.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(some.stream, 'utf8')));
  made.setStreamRevision(String(some.revision));
  made.setCommitPosition(String(some.commit)).setPreparePosition(String(some.prepare));
  made.getMetadataMap().set('type', some.type).set('content-type', some.contentType);
  made.getMetadataMap().set('created', `${some.created}1234`).set('other', 'thing');
  return made.setData(some.data).setCustomMetadata(some.metadata);
}

describe("what Defter sees of EventStoreDB's events", () => {
  const event: ServerEvent = {
    id: '0198c1d2-0000-7000-8000-000000000000',
    stream: 'some-stream',
    revision: 4,
    commit: 77n,
    prepare: 77n,
    type: 'SomethingHappened',
    isJson: true,
    created: 1_700_000_000_000,
    data: Buffer.from('{"n":1}'),
    metadata: Buffer.from('{"tenantId":"some-tenant"}'),
  };
  const see = (parts: Partial<ServerEvent>, link?: ServerEvent) =>
    visibleEvent({ kind: 'event', event: { ...event, ...parts }, link });

  it('is the event at its commit position', () => {
    const { id, stream, revision, type } = event;
    const metadata = { tenantId: 'some-tenant' };
    const seen = { id, stream, revision, type, data: { n: 1 }, metadata, position: 77n, recordedAt: 1_700_000_000_000 };
    expect(see({})).to.deep.equal(seen);
  });

  it("is nothing of the server's own, of links and of Defter's bookkeeping", () => {
    for (const parts of [{ stream: '$stats' }, { stream: '$$some-stream' }, { type: '$>' }, { stream: 'defter-log' }]) {
      expect(see(parts)).to.equal(undefined);
    }
    expect(see({}, event)).to.equal(undefined);
    expect(visibleEvent({ kind: 'event', event: undefined, link: event })).to.equal(undefined);
  });

  it('is an error where Defter cannot have written it', () => {
    const foreign: readonly Partial<ServerEvent>[] = [
      { prepare: 70n },
      { commit: 2n ** 64n - 1n, prepare: 2n ** 64n - 1n },
      { isJson: false },
      { data: Buffer.from('{') },
      { metadata: Buffer.alloc(0) },
      { metadata: Buffer.from('7') },
    ];
    for (const parts of foreign) expect(() => see(parts)).to.throw(ForeignEvent, /some-stream revision 4/);
  });
});

describe("decoding EventStoreDB's events", () => {
  it("reads what the client's own classes read", () => {
    fc.assert(
      fc.property(record, fc.option(record), (some, linked) => {
        const read = new streams.ReadResp.ReadEvent().setEvent(message(some)).setCommitPosition(String(some.commit));
        if (linked) read.setLink(message(linked));
        const answer = decodeReadAnswer(Buffer.from(new streams.ReadResp().setEvent(read).serializeBinary()));
        if (answer.kind !== 'event' || !answer.event) throw new Error(`it became ${answer.kind}`);
        const { event, link } = answer;
        const theirs = convertGrpcRecord(message(some));
        expect({
          id: event.id,
          streamId: event.stream,
          type: event.type,
          revision: BigInt(event.revision),
          isJson: event.isJson,
          created: new Date(event.created),
          position: { commit: event.commit, prepare: event.prepare },
        }).to.deep.equal({
          id: theirs.id,
          streamId: theirs.streamId,
          type: theirs.type,
          revision: theirs.revision,
          isJson: theirs.isJson,
          created: theirs.created,
          position: theirs.position,
        });
        expect(event.data.equals(some.data) && event.metadata.equals(some.metadata)).to.equal(true);
        expect(link?.id).to.equal(linked?.id);
      }),
      { numRuns: 500 },
    );
  });

  it('knows the other answers, also those that it has no use for', () => {
    const kindOf = (answer: InstanceType<typeof streams.ReadResp>) =>
      decodeReadAnswer(Buffer.from(answer.serializeBinary())).kind;
    const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('some-id');
    expect(kindOf(new streams.ReadResp().setConfirmation(confirmation))).to.equal('confirmation');
    const absent = new streams.ReadResp.StreamNotFound().setStreamIdentifier(
      new shared.StreamIdentifier().setStreamName(Buffer.from('some-stream')),
    );
    expect(kindOf(new streams.ReadResp().setStreamNotFound(absent))).to.equal('stream-not-found');
    const checkpoint = new streams.ReadResp.Checkpoint().setCommitPosition('1').setPreparePosition('1');
    expect(kindOf(new streams.ReadResp().setCheckpoint(checkpoint))).to.equal('other');
    expect(kindOf(new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()))).to.equal('other');
    expect(kindOf(new streams.ReadResp().setFirstStreamPosition('7'))).to.equal('other');
  });

  it('passes over what a later server says besides', () => {
    // Fields 10 to 15 and 16: a 64-bit number, a 32-bit number, two bytes, a varint.
    const later = Buffer.from([0x51, 1, 2, 3, 4, 5, 6, 7, 8, 0x5d, 1, 2, 3, 4, 0x7a, 2, 9, 9, 0x80, 0x01, 0x96, 0x01]);
    const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('some-id');
    const known = new streams.ReadResp().setConfirmation(confirmation).serializeBinary();
    expect(decodeReadAnswer(Buffer.concat([later, known, later])).kind).to.equal('confirmation');
  });

  it('refuses what is cut short or no message at all', () => {
    fc.assert(
      fc.property(record, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (some, part) => {
        const read = new streams.ReadResp.ReadEvent().setEvent(message(some));
        const whole = Buffer.from(new streams.ReadResp().setEvent(read).serializeBinary());
        const cut = whole.subarray(0, 1 + Math.floor((whole.length - 1) * part));
        expect(() => decodeReadAnswer(cut)).to.throw(RangeError);
      }),
    );
  });
});
