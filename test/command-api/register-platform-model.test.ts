import { expect } from 'chai';
import { type ModelDefinition, PLATFORM, models } from '#events/model.ts';
import { type Standing, standingDocument, standingKey } from '#events/standing.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { createStandings } from '#platform/standing/standings.ts';
import { registerPlatformModel } from '../../command-api/bootstrap.ts';
import { createStandingLoader } from '../../compose/service-standings.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';

const definition: ModelDefinition = {
  name: 'm',
  description: '',
  task: 'generation',
  runtime: 'tensorflow',
  source: 'm',
  upstreamModel: null,
  credentialId: null,
  parameters: [],
  anyParameter: false,
  maxInputChars: 1,
  maxBatch: 1,
  maxDelayMs: 0,
  timeoutMs: 1,
  memoryBytes: 0,
};

const register = (store: EventStore) =>
  registerPlatformModel(
    {
      store,
      standings: createStandings<Standing>({
        load: createStandingLoader(store),
        readStore: createMemoryReadStore(),
        keyOf: standingKey,
        writeOf: standingDocument,
      }),
    },
    definition,
    ['*'],
  );

const eventsOf = (store: EventStore) => store.readStream(models.stream(PLATFORM, 'm'));

describe('registering a model of the platform at start', () => {
  it('grants it once, however often it is done', async () => {
    const store = createMemoryEventStore();
    expect(await register(store)).to.equal(true);
    expect(await register(store)).to.equal(true);
    expect((await eventsOf(store)).map(({ type }) => type)).to.deep.equal(['ModelRegistered', 'ModelGranted']);
  });

  it('grants it where an earlier start died before it could', async () => {
    const store = createMemoryEventStore();
    const dying: EventStore = {
      ...store,
      append: (stream, events, expected) =>
        events.some(({ type }) => type === 'ModelGranted')
          ? Promise.reject(new Error('died'))
          : store.append(stream, events, expected),
    };
    const died = await register(dying).catch((error: Error) => error.message);
    expect(died).to.equal('died');
    await register(store);
    const state = (await eventsOf(store)).reduce(models.evolve, models.initial);
    expect(state).to.have.nested.property('model.grantedTo').that.deep.equals(['*']);
  });
});
