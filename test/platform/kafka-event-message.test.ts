import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import { createEventMessages, MalformedRecord, positionOf, type ReadMessage } from '#platform/kafka/event-message.ts';
import { physicalGroup, physicalTopic } from '#platform/kafka/physical-name.ts';
import { numberedEvent } from '../support/numbered-events.ts';

const numbered = numberedEvent(7);
const event: RecordedEvent = {
  ...numbered,
  metadata: { ...numbered.metadata, origin: { keyId: 'acme/2026-08-01', sealed: 'c2VhbGVk' } },
  stream: 'alpha-ü',
  revision: 3,
  position: 12_345_678_901_234_567_890n,
  recordedAt: 1_700_000_000_123,
};
const messages = createEventMessages({
  generation: 'first',
  schemas: {
    encode: ({ data }) => Buffer.from(JSON.stringify(data)),
    decode: (value) => JSON.parse(value.toString()) as unknown,
  },
});

/** As Kafka gives it back. */
async function fromKafka(change: Record<string, Buffer | undefined> = {}): Promise<ReadMessage> {
  const { key, value, headers } = await messages.encode(event);
  const bytes = Object.entries(headers).map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]);
  return { key: Buffer.from(key), value, headers: { ...Object.fromEntries(bytes), ...change } };
}

describe('the record of an event in Kafka', () => {
  it('gives the event back as it was', async () => {
    const message = await fromKafka();
    expect(messages.decode(message)).to.deep.equal(event);
    expect(positionOf(message)).to.equal(event.position);
  });

  it('has the stream as its key and the moment of the event as its timestamp', async () => {
    const message = await messages.encode(event);
    expect(message.key).to.equal('alpha-ü');
    expect(message.timestamp).to.equal('1700000000123');
    expect(message.headers).to.have.all.keys(
      'id',
      'type',
      'stream',
      'revision',
      'position',
      'recorded-at',
      'metadata',
      'generation',
    );
  });

  for (const [what, change] of [
    ['without a type', { type: undefined }],
    ['with another key than its stream', { stream: Buffer.from('alpha-2') }],
    ['with a revision that is no number', { revision: Buffer.from('1e3') }],
    ['with a negative position', { position: Buffer.from('-1') }],
    ['with metadata that are not JSON', { metadata: Buffer.from('{') }],
    ['with metadata that are not an event’s', { metadata: Buffer.from('{"tenantId":1}') }],
    ['with an origin in the clear', { metadata: Buffer.from(JSON.stringify({ ...numbered.metadata, origin: {} })) }],
  ] as const) {
    it(`refuses a record ${what}`, async () => {
      const message = await fromKafka(change);
      expect(() => messages.decode(message)).to.throw(MalformedRecord);
    });
  }

  it('refuses a record without a value, or with one that cannot be decoded, naming the event', async () => {
    const message = await fromKafka();
    expect(() => messages.decode({ ...message, value: null })).to.throw(MalformedRecord);
    expect(() => messages.decode({ ...message, value: Buffer.from('{') })).to.throw(
      MalformedRecord,
      /Counted \(alpha-ü revision 3\)/,
    );
  });

  it('names topics and groups by their namespace', () => {
    expect(physicalTopic('blue', 'defter.models')).to.equal('blue.models');
    expect(physicalGroup('blue', 'tenants', 'g1')).to.equal('blue.tenants@g1');
  });
});
