import { expect } from 'chai';
import { defineAggregate, type EventFields } from '#events/aggregate.ts';
import {
  aggregates,
  kindOfType,
  ownersOfStreams,
  partitionKeyOf,
  topicOf,
  topics,
  typesOf,
  typesOfKind,
} from '#events/aggregates.ts';
import { catalog, catalogOf } from '#events/catalog.ts';
import { contentSchema } from '#events/content.ts';
import { createEvent } from '#events/create-event.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';

const events = { TestMade: [{ name: 'words', type: contentSchema('TestWords') }] } as const satisfies EventFields;
const definition = {
  category: 'test',
  topic: 'defter.test',
  events,
  fields: { TestMade: { words: 'content' } },
  longest: 1,
  initial: 0,
  evolve: (made: number) => made + 1,
  standing: undefined,
} as const;

describe('the list of aggregates', () => {
  it('says of each event type its schema and version, and of each stream its topic and its types', () => {
    for (const { category, topic, events, schemas, stream } of aggregates) {
      expect(Object.keys(schemas)).to.deep.equal(Object.keys(events));
      for (const type of Object.keys(events))
        expect(catalog.get(type)).to.deep.include({
          version: ['ApiKeyIssued', 'SessionRefreshed'].includes(type) ? 2 : 1,
        });
      expect(topicOf(stream('a', 'b'))).to.equal(topic);
      expect([...(typesOf(stream('a', 'b')) ?? [])]).to.deep.equal(Object.keys(events));
      expect(stream('a', 'b')).to.equal(`${category}-a-b`);
      expect(partitionKeyOf(stream('a', 'b'))).to.equal(stream('a', 'b'));
    }
    expect(topics).to.have.length(new Set(topics).size);
    expect(topicOf('unheard-of')).to.equal(undefined);
    expect(partitionKeyOf('unheard-of')).to.equal('unheard-of');
    expect(typesOf('unheard-of')).to.equal(undefined);
  });

  it('holds no category and no event type twice', () => {
    const test = defineAggregate(definition);
    const other = defineAggregate({ ...definition, category: 'other' });
    expect(() => ownersOfStreams([test, test])).to.throw(TypeError, 'category test');
    const part = defineAggregate({ ...definition, part: 'chunk' });
    expect(() => ownersOfStreams([part, test, part])).to.throw(TypeError, 'category test chunk');
    expect(() => catalogOf([test, other])).to.throw(TypeError, 'event type TestMade');
  });

  it('says what kind of thing each event is about, and what events a kind has', () => {
    for (const { category, events } of aggregates) {
      expect(typesOfKind(category)).to.deep.equal(Object.keys(events));
      for (const type of Object.keys(events)) expect(kindOfType(type)).to.equal(category);
    }
    expect(kindOfType('OrderPlaced')).to.equal(undefined);
    expect(typesOfKind('order')).to.deep.equal([]);
  });

  it('tells the streams of a thing from those of its parts', () => {
    const whole = defineAggregate(definition);
    const chunks = defineAggregate({ ...definition, part: 'chunk' });
    const ownerOf = ownersOfStreams([whole, chunks, defineAggregate({ ...definition, category: 'other' })]);
    const id = '018f0000-0000-7000-8000-000000000001';
    expect(chunks.stream(id, '12')).to.equal(`test-${id}-chunk-12`);
    expect(ownerOf(chunks.stream(id, '12'))).to.equal(chunks);
    for (const subject of [id, 'a-piece-12', 'a-chunk', 'a-chunk-b'])
      expect(ownerOf(whole.stream(subject)), subject).to.equal(whole);
    expect(ownerOf(`other-${id}-chunk-12`)).to.have.property('category', 'other');
    expect(ownerOf('unheard-of-chunk-1')).to.equal(undefined);
  });

  it('counts the steps from older versions into the present one', () => {
    const upcasts = { TestMade: [(data: unknown) => data] };
    expect(catalogOf([defineAggregate({ ...definition, upcasts })]).get('TestMade')).to.include({ version: 2 });
  });

  it('does not compile where sealed content is not named, or a field is named that is not there', () => {
    // @ts-expect-error: `words` is sealed
    defineAggregate({ ...definition, fields: {} });
    // @ts-expect-error: there is no field `word`
    defineAggregate({ ...definition, fields: { TestMade: { words: 'content', word: 'secret' } } });
    // @ts-expect-error: what is sealed is content, personal or secret
    defineAggregate({ ...definition, fields: { TestMade: { words: 'open' } } });
  });
});

describe('an event', () => {
  it('does not compile with data of another shape or an unknown type', () => {
    // @ts-expect-error: a tenant has a name
    createEvent('TenantCreated', {}, ORIGIN);
    // @ts-expect-error: nothing is said of a revoked key
    createEvent('ApiKeyRevoked', { reason: 'x' }, ORIGIN);
    // @ts-expect-error: there is no such event
    expect(() => createEvent('TenantUpdated', {}, ORIGIN)).to.throw(TypeError);
  });

  it('of another aggregate changes nothing', () => {
    const test = defineAggregate(definition);
    const foreign = recorded(createEvent('TenantCreated', { name: 'x' }, ORIGIN), 'test-1', 0);
    expect(test.evolve(5, foreign)).to.equal(5);
    expect(test.evolve(5, { ...foreign, type: 'TestMade' })).to.equal(6);
  });
});
