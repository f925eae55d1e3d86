import { expect } from 'chai';
import fc from 'fast-check';
import type { NewEvent } from '#events/envelope.ts';
import { models } from '#events/model.ts';
import { projections, projectionStateKey, projectionVersions } from '#events/projection.ts';
import { snapshotShapeOf } from '#events/aggregates.ts';
import { createEvent } from '#events/create-event.ts';
import type { EventStore, ReadStreamOptions } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { createSnapshots, type Snapshots } from '#platform/event-store/snapshots.ts';
import { openVersionStates } from '#platform/projection/version-states.ts';
import { newId } from '#platform/new-id.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { modelDefinition } from '../support/model-definition.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const stream = models.stream('acme', 'm');
const origin = (commandId = newId()) => ({ ...ORIGIN, eventId: newId(), commandId });

type Change = 'register' | 'defaults' | 'grant' | 'retire';
const eventOf = (change: Change, n: number): NewEvent => {
  switch (change) {
    case 'register':
      return createEvent('ModelRegistered', { ...modelDefinition, description: String(n) }, origin(`command-${n}`));
    case 'defaults':
      return createEvent('ModelDefaultsSet', { defaults: { top: String(n) } }, origin(`command-${n}`));
    case 'grant':
      return createEvent('ModelGranted', { to: [String(n)] }, origin(`command-${n}`));
    case 'retire':
      return createEvent('ModelRetired', {}, origin(`command-${n}`));
  }
};
const change = fc.constantFrom<Change>('register', 'defaults', 'grant', 'retire');

describe('snapshots of long streams', () => {
  let store: EventStore;
  let snapshots: Snapshots;
  let readStore: ReturnType<typeof createMemoryReadStore>;
  const log = createQuietLog();
  beforeEach(() => {
    store = createMemoryEventStore();
    readStore = createMemoryReadStore();
    snapshots = createSnapshots(readStore, snapshotShapeOf, log);
  });

  /** Appends each change by a command of its own. */
  async function change1By1(changes: readonly Change[], into: EventStore = store) {
    for (const [n, one] of changes.entries())
      await handleCommand({ store: into, stream, decider: models, snapshots, decide: () => [eventOf(one, n)] });
  }

  const wholeFold = async () => {
    const events = await store.readStream(stream, { limit: 5_000 });
    return { state: events.reduce(models.evolve, models.initial), revision: events.length - 1 };
  };

  async function counted(kept: Snapshots | undefined, command?: { commandId: string; eventId: string }) {
    let events = 0;
    const readStream = async (name: string, options?: ReadStreamOptions) => {
      const page = await store.readStream(name, options);
      events += page.length;
      return page;
    };
    const loaded = await loadState({ store: { readStream }, stream, decider: models, snapshots: kept, command });
    const { state, revision, position, asked } = loaded;
    return { events, commands: loaded.commands.list(), state, revision, position, asked };
  }

  it('let a model with a thousand changes be loaded by reading some of them', async () => {
    await change1By1(Array.from({ length: 1_000 }, (_, n) => (n === 0 ? 'register' : 'defaults')));
    const { events, state, revision } = await counted(snapshots);
    expect(events).to.be.at.most(200);
    expect({ state, revision }).to.deep.equal(await wholeFold());
  });

  it('let the versions of a read model be looked at without reading all that operators did', async () => {
    let read = 0;
    const readStream = async (name: string, options?: ReadStreamOptions) => {
      const page = await store.readStream(name, options);
      read += page.length;
      return page;
    };
    const states = openVersionStates({ store: { readStream }, readStore, log, ...projectionVersions });
    const discarded = { stream: 'inference-1', revision: 0, reason: null };
    for (let n = 0; n < 400; n++) {
      await handleCommand({
        store,
        stream: projections.stream('audit'),
        decider: projections,
        snapshots: states.snapshots,
        decide: () => [createEvent('DeadLetterDiscarded', discarded, origin())],
      });
    }
    await states.changed('audit');
    expect(read).to.be.within(1, 200);
    const [written] = await readStore.get([projectionStateKey(projections.stream('audit'))]);
    expect(written).to.deep.equal({ revision: 399, value: projections.initial });
  });

  it('make the same as folding everything, the memory of commands included', async () => {
    const changes = fc.array(change, { minLength: 100, maxLength: 330 });
    await fc.assert(
      fc.asyncProperty(changes, async (given) => {
        store = createMemoryEventStore();
        snapshots = createSnapshots(createMemoryReadStore(), snapshotShapeOf, log);
        await change1By1(given);
        const [{ events, ...short }, { events: all, ...whole }] = [await counted(snapshots), await counted(undefined)];
        expect(short).to.deep.equal(whole);
        expect(events).to.be.below(all + 1);
      }),
      { numRuns: 15 },
    );
  });

  it('answer a repeat with how things stood, though the snapshot is later than the command', async () => {
    await change1By1(Array.from({ length: 150 }, (_, n) => (n === 0 ? 'register' : 'defaults')));
    const [asked] = await store.readStream(stream, { from: 70, limit: 1 });
    const command = { commandId: 'command-70', eventId: asked!.id };
    const decide = () => [eventOf('retire', 999)];
    const again = await handleCommand({ store, stream, decider: models, snapshots, command, decide });
    expect(again).to.deep.include({ outcome: 'replayed', revision: 70 });
    expect(again.state).to.have.nested.property('model.defaults.top', '70');
  });

  it('of another log are void', async () => {
    await change1By1(Array.from({ length: 150 }, (_, n) => (n === 0 ? 'register' : 'defaults')));
    store = createMemoryEventStore();
    for (const longer of [['register'], Array.from({ length: 200 }, () => 'register')] as const) {
      await change1By1(longer as Change[]);
      const { state, revision } = await counted(snapshots);
      expect({ state, revision }).to.deep.equal(await wholeFold());
    }
  });

  it('by another evolve are void', async () => {
    await change1By1(Array.from({ length: 150 }, (_, n) => (n === 0 ? 'register' : 'defaults')));
    const others = createSnapshots(readStore, (name) => `another ${snapshotShapeOf(name)}`, log);
    expect(await snapshots.find(stream)).not.to.equal(undefined);
    expect(await others.find(stream)).to.equal(undefined);
    expect((await counted(others)).events).to.equal(150);
  });

  it('fail no command while the read store is away, and are said to be missing once', async () => {
    const away = () => Promise.reject(new Error('the read store is away'));
    const heard = createQuietLog();
    snapshots = createSnapshots({ get: away, put: away }, snapshotShapeOf, heard);
    await change1By1(Array.from({ length: 105 }, (_, n) => (n === 0 ? 'register' : 'defaults')));
    const { state, revision } = await counted(snapshots);
    expect({ state, revision }).to.deep.equal(await wholeFold());
    expect(heard.lines.filter((line) => line.includes('the read store is away'))).to.have.length(1);
  });

  it('are not kept of streams that are always short', async () => {
    expect(snapshots.has('inference-1')).to.equal(false);
    expect(snapshots.has(stream)).to.equal(true);
    expect(snapshotShapeOf('unheard-of')).to.equal(undefined);
  });
});
