import { expect } from 'chai';
import { v4 } from 'uuid';
import { catalog } from '#events/catalog.ts';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { upcast } from '#events/upcast.ts';
import { createCheckedEventStore } from '#platform/event-store/checked-event-store.ts';
import { createEventCodec, type EventCodec } from '#platform/event-store/event-codec.ts';
import { EventRefused, type EventStore, LogIsNewer } from '#platform/event-store/event-store.ts';
import { refusal } from '../support/refusal.ts';
import { someEvent } from '../support/some-event.ts';
import { openTemporaryEventStore } from '../support/sqlite-event-store.ts';

const measured = {
  type: 'record',
  name: 'Measured',
  fields: [
    { name: 'what', type: 'string' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'values', type: { type: 'array', items: 'double' } },
    { name: 'place', type: { type: 'record', name: 'Place', fields: [{ name: 'row', type: 'int' }] } },
    { name: 'labels', type: { type: 'map', values: 'string' } },
    { name: 'at', type: 'long' },
  ],
};
const counted = { type: 'record', name: 'Counted', fields: [{ name: 'total', type: 'int' }] };
const good = { what: 'w', note: null, values: [1, 2.5], place: { row: 3 }, labels: { a: 'b' }, at: 1_700_000_000_000 };

/** `Counted` is at version 2; version 1 said `count`. */
function upcastCounted(event: RecordedEvent): RecordedEvent {
  const { count } = event.data as { count: number };
  return { ...event, data: { total: count }, metadata: { ...event.metadata, schemaVersion: 2 } };
}

function event(type: string, data: unknown, schemaVersion = 1): NewEvent {
  return someEvent(data, { type, metadata: { ...someEvent().metadata, schemaVersion } });
}

function recorded(type: string, data: unknown, schemaVersion = 1): RecordedEvent {
  return { ...event(type, data, schemaVersion), stream: 'some-stream', revision: 4, position: 9n, recordedAt: 1 };
}

describe('event codec', () => {
  const codec: EventCodec = createEventCodec({
    types: new Map([
      ['Measured', { schema: measured, version: 1 }],
      ['Counted', { schema: counted, version: 2 }],
    ]),
    upcast: upcastCounted,
  });

  function why(refused: NewEvent): string {
    try {
      codec.check(refused);
    } catch (error) {
      expect(error).to.be.instanceOf(EventRefused);
      return (error as Error).message;
    }
    return 'nothing';
  }

  it('lets through what encodes', () => {
    expect(why(event('Measured', good))).to.equal('nothing');
    expect(why(event('Measured', { ...good, note: 'n', values: [], labels: {} }))).to.equal('nothing');
  });

  for (const [fault, data, said] of [
    ['a wrong type', { ...good, what: 7 }, 'Measured: data.what is not of type string'],
    ['a missing field', { ...good, at: undefined }, 'Measured: data.at is missing'],
    ['a wrong union', { ...good, note: 5 }, 'Measured: data.note is not of type union'],
    ['a wrong item', { ...good, values: [1, '2'] }, 'Measured: data.values.1 is not of type double'],
    ['a wrong nested field', { ...good, place: { row: 1.5 } }, 'Measured: data.place.row is not of type int'],
    ['a wrong map value', { ...good, labels: { a: 1 } }, 'Measured: data.labels.a is not of type string'],
    ['an unknown field', { ...good, more: 1 }, 'Measured: data has an unknown field: more'],
    [
      'an unknown nested field',
      { ...good, place: { row: 1, column: 2 } },
      'Measured: data.place has an unknown field: column',
    ],
    ['a long that is not exact', { ...good, at: 2 ** 60 }, 'Measured: data.at is not of type long'],
    ['a double that JSON cannot say', { ...good, values: [1, Number.NaN] }, 'Measured: data.values.1 is not finite'],
    ['no record', null, 'Measured: data is not of type record'],
    ['an array', [], 'Measured: data is not a record of its schema'],
  ] as const) {
    it(`refuses ${fault}, naming the place`, () => {
      expect(why(event('Measured', data))).to.equal(said);
    });
  }

  it('refuses an unknown type and another version than the present one', () => {
    expect(why(event('Unheard', {}))).to.equal('Unheard is not a known event type');
    expect(why(event('Counted', { total: 1 }, 1))).to.equal('Counted: schemaVersion is 1, it must be 2');
    expect(why(event('Counted', { total: 1 }, 3))).to.equal('Counted: schemaVersion is 3, it must be 2');
  });

  it('reads an event of today as it is, an older one as if written today', () => {
    const today = recorded('Counted', { total: 2 }, 2);
    expect(codec.read(today)).to.equal(today);
    const old = codec.read(recorded('Counted', { count: 3 }, 1));
    expect(old).to.deep.include({ data: { total: 3 }, revision: 4, position: 9n });
    expect(old.metadata.schemaVersion).to.equal(2);
  });

  it('says that the log is newer than the program', () => {
    const said =
      /^the log is newer than this program: it does not know (Unheard|Counted) version \d \(some-stream revision 4\)$/;
    expect(() => codec.read(recorded('Unheard', {}, 1))).to.throw(LogIsNewer, said);
    expect(() => codec.read(recorded('Counted', {}, 3))).to.throw(LogIsNewer, said);
  });

  it('does not pass on an event that upcasting left behind', () => {
    const lazy = createEventCodec({
      types: new Map([['Counted', { schema: counted, version: 2 }]]),
      upcast: (same) => same,
    });
    expect(() => lazy.read(recorded('Counted', {}, 1))).to.throw(TypeError, 'from version 1 to 2');
  });

  it('knows every type of the catalog', () => {
    const whole = createEventCodec({ types: catalog, upcast });
    const request = {
      model: 'language-id',
      modelOwner: 'platform',
      form: 'input',
      input: { keyId: 'acme/2026-08-01', sealed: 'c2VhbGVk', blob: null, bytes: 6 },
      parameters: { temperature: '0.7' },
      deadline: 1_700_000_000_000,
    };
    whole.check(event('InferenceRequested', request));
    expect(() => whole.check(event('InferenceRequested', { ...request, form: 'other' }))).to.throw(
      EventRefused,
      'InferenceRequested: data.form is not of type enum',
    );
    for (const [type, { version }] of catalog) expect(whole.read(recorded(type, {}, version)).type).to.equal(type);
  });

  describe('before a store', () => {
    let store: EventStore;
    let checked: EventStore;
    before(async () => {
      store = await openTemporaryEventStore();
      checked = createCheckedEventStore(store, codec, {
        typesOf: (stream) => (stream.startsWith('unheard') ? undefined : new Set(['Measured'])),
      });
    });
    after(() => checked.close());

    it('writes nothing unless all of an append fits', async () => {
      const events = [event('Measured', good), event('Measured', { ...good, what: 1 })];
      await refusal(EventRefused, checked.append('checked', events, 'no_stream'));
      expect(await checked.readStream('checked')).to.deep.equal([]);
      await checked.append('checked', events.slice(0, 1), 'no_stream');
      expect(await checked.readStream('checked')).to.deep.equal(await store.readStream('checked'));
      expect(checked.generation).to.equal(store.generation);
    });

    it('writes nothing to a stream where it does not belong, at which every consumer would stop', async () => {
      for (const [stream, one, said] of [
        ['unheard-of', event('Measured', good), 'unheard-of is of no kind of stream that this program knows'],
        ['measured-1', event('Counted', { total: 1 }, 2), 'Counted is no event of measured-1'],
      ] as const) {
        const head = await store.head();
        const refused = await refusal(EventRefused, checked.append(stream, [one], 'no_stream'));
        expect(refused.message).to.equal(said);
        expect(await store.head()).to.equal(head);
      }
    });

    it('upcasts what it reads, and stops at what it does not know', async () => {
      const after = await checked.head();
      const stream = `old-${v4()}`;
      await store.append(stream, [event('Counted', { count: 1 }, 1), event('Measured', good)], 'no_stream');
      expect((await checked.readStream(stream))[0]?.data).to.deep.equal({ total: 1 });
      expect((await checked.readAll(after, 10))[0]?.data).to.deep.equal({ total: 1 });
      await store.append(stream, [event('Unheard', {})], 1);
      await refusal(LogIsNewer, checked.readStream(stream));
      await refusal(LogIsNewer, checked.readAll(after, 10));
      const chunks = checked.subscribeAll(after, new AbortController().signal)[Symbol.asyncIterator]();
      expect((await chunks.next()).value).to.have.length(2);
      await refusal(LogIsNewer, chunks.next());
    });
  });
});
