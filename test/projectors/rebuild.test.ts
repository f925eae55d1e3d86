import { expect } from 'chai';
import fc from 'fast-check';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { type ProjectionState, projections } from '#events/projection.ts';
import { loadDeadLetters } from '#platform/bus/dead-letters.ts';
import { listDeadLetters, nameOfGroup } from '#platform/bus/dead-letter-rows.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import { newId } from '#platform/new-id.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { sayVersionsChanged } from '#platform/projection/version-directory.ts';
import { versionDocuments, versionIndex } from '#platform/projection/versions.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import { decideRebuild, decideRollback, decideTakeUp } from '../../command-api/operations/decide.ts';
import { FED_AFTER_SWITCH_MS, KEPT_AFTER_SWITCH_MS } from '../../projectors/projections/read-model.ts';
import { eventually } from '../support/eventually.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { numberedEvent } from '../support/numbered-events.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { type ProjectorsRun, runProjectors } from '../support/run-projectors.ts';
import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';
import { journal, numberIn, stories, type Sum, sums } from '../support/test-projections.ts';

const ALL: readonly Projection[] = [sums, stories, journal];
const WITHIN_MS = 20_000;

describe('rebuilding a read model', function () {
  this.timeout(40_000);
  let store: EventStore;
  let readStore: ReadStore;
  let searchIndex: SearchIndex;
  let live: LiveChannel;
  let published: (name: string) => Promise<unknown[]>;
  let closeIndex: () => Promise<void>;
  let time: number;
  const running: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    time = Date.now();
    store = createMemoryEventStore(() => time);
    readStore = createMemoryReadStore(() => 0);
    const opened = await openTemporarySearchIndex('here');
    searchIndex = opened.index;
    published = (name) => opened.published(name);
    closeIndex = () => opened.close();
    live = openLiveHub({ log: createQuietLog() });
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
    await live.close();
    await closeIndex();
  });

  async function start(readModels: readonly Projection[] = ALL, options: Partial<ProjectorsRun> = {}) {
    const one = await runProjectors({
      store,
      readStore,
      searchIndex,
      live,
      readModels,
      now: () => time,
      ...options,
    });
    running.push(one);
    const stop = async () => {
      running.splice(running.indexOf(one), 1);
      await one.stop();
    };
    return { ...one, stop };
  }

  const append = (stream: string, number: number, type?: string) =>
    store.append(stream, [numberedEvent(number, type)], 'any');
  const appendMany = async (from: number, count: number) => {
    for (let n = from; n < from + count; n++) await append(`${n % 2 ? 'alpha' : 'beta'}-${n % 7}`, n);
  };
  const stateOf = async (name: string): Promise<ProjectionState> =>
    (await readWholeStream(store, projections.stream(name))).reduce(projections.evolve, projections.initial);
  const origin = () => ({ ...ORIGIN, eventId: newId(), commandId: newId() });
  const ask = async (name: string, decide: (state: ProjectionState) => ReturnType<typeof decideRebuild>) => {
    await handleCommand({
      store,
      stream: projections.stream(name),
      decider: projections,
      decide: (state) => {
        const decision = decide(state);
        if (typeof decision === 'string') throw new Error(decision);
        return decision;
      },
    });
    sayVersionsChanged(live, name);
  };
  const rebuild = (name: string, onDifference: 'switch' | 'keep' = 'switch') =>
    ask(name, (state) => decideRebuild({ onDifference, reason: null, origin: origin() }, state));
  const rollBack = (name: string) =>
    ask(name, (state) => decideRollback({ onDifference: 'switch', reason: null, origin: origin() }, state));
  const settled = (name: string, version: number) =>
    eventually(async () => {
      const { live: now, candidate } = await stateOf(name);
      expect({ now, candidate }, name).to.deep.equal({ now: version, candidate: null });
    }, WITHIN_MS);
  const document = async (version: number, stream: string) => {
    const [found] = await versionDocuments(readStore, 'sums', version).get([`sum:${stream}`]);
    return found && { revision: found.revision, sum: (found.value as Sum).sum };
  };
  const rows = (index: string, version: number) => searchIndex.digests(versionIndex(index, version), { limit: 1_000 });

  for (const rebuildBus of [false, true]) {
    const where = rebuildBus ? 'from the event store beside the bus' : 'from the bus';

    it(`builds ${where}, compares, switches, and goes on feeding what it switched to`, async () => {
      await appendMany(0, 300);
      await append('alpha-1', 1, 'Ended');
      await start(ALL, { rebuildBus });
      for (const { name } of ALL) await rebuild(name, 'keep');
      await appendMany(300, 100);
      for (const { name } of ALL) await settled(name, 2);
      for (const { name } of ALL) {
        const { last, kept } = await stateOf(name);
        expect(last?.comparison, name).to.include({
          different: 0,
          documents: name === 'journal' ? last?.comparison?.documents : 14,
        });
        expect(last?.comparison?.documents).to.be.greaterThan(13);
        expect(kept.map(({ version }) => version)).to.deep.equal([1]);
      }
      await append('beta-0', 1_000);
      // The old version is fed as long as somebody may read it, the new one from now on.
      await eventually(async () => {
        expect(await document(2, 'beta-0')).to.deep.equal(await document(1, 'beta-0'));
        expect((await document(2, 'beta-0'))?.revision).to.equal(
          (await store.readStream('beta-0', { backwards: true, limit: 1 }))[0]?.revision,
        );
        for (const name of ['stories', 'journal']) expect(await rows(name, 2)).to.deep.equal(await rows(name, 1));
        expect(await rows('journal', 2)).to.have.length(402);
      }, WITHIN_MS);
      expect(await versionDocuments(readStore, 'sums', 2).counters(['total'])).to.deep.equal(
        await versionDocuments(readStore, 'sums', 1).counters(['total']),
      );
    });
  }

  it('mends a read model that was wrong, and tells what was different', async () => {
    await appendMany(0, 50);
    const wrong: typeof sums = {
      ...sums,
      project(before, event) {
        const change = sums.project(before, event);
        if (change === 'ignore' || change.document === null || event.stream !== 'beta-0') return change;
        return { ...change, document: { ...change.document, sum: -1 } };
      },
    };
    const first = await start([wrong]);
    await eventually(() => expect(first.ready()).to.equal(true), WITHIN_MS);
    await first.stop();
    expect((await document(1, 'beta-0'))?.sum).to.equal(-1);
    await start([sums]);

    await rebuild('sums', 'keep');
    await settled('sums', 1);
    expect((await stateOf('sums')).last).to.deep.include({ outcome: 'abandoned', to: 2 });
    await rebuild('sums', 'switch');
    await settled('sums', 3);
    const { last } = await stateOf('sums');
    expect(last).to.include({ outcome: 'switched', from: 1, to: 3 });
    expect(last?.comparison).to.deep.include({ documents: 14, different: 1, examples: ['sum:beta-0'] });
    expect((await document(3, 'beta-0'))?.sum).to.be.greaterThan(0);

    await rollBack('sums');
    await settled('sums', 1);
    expect((await document(1, 'beta-0'))?.sum).to.equal(-1);
    expect((await stateOf('sums')).kept.map(({ version }) => version)).to.deep.equal([3]);
  });

  it('builds a version of another shape by itself', async () => {
    await appendMany(0, 50);
    const first = await start();
    await eventually(() => expect(first.ready()).to.equal(true), WITHIN_MS);
    await first.stop();
    const wider = {
      ...journal,
      shape: 2,
      index: { ...journal.index, fields: { ...journal.index.fields, stream: 'keyword' } },
      fieldsOf: (event: Parameters<typeof journal.fieldsOf>[0]) => {
        const fields = journal.fieldsOf(event);
        return fields && { ...fields, stream: event.stream };
      },
    } as unknown as Projection;
    const taller = { ...sums, shape: 2 };
    const second = await start([taller, stories, wider]);
    await settled('journal', 2);
    await settled('sums', 2);
    expect((await stateOf('journal')).last?.comparison).to.equal(null);
    expect((await stateOf('stories')).live).to.equal(1);
    await eventually(() => expect(second.ready()).to.equal(true), WITHIN_MS);
    expect(await rows('journal', 2)).to.have.length(50);
    const hits = await searchIndex.search('journal-2', { partition: 'acme', order: 'ascending', limit: 1 });
    expect(hits[0]?.fields).to.have.property('stream');
    await second.stop();

    // The older program does not build its own again, and feeds nothing of the newer one.
    const third = await start([journal]);
    await append('alpha-1', 1);
    await eventually(() => expect(third.log.lines.join('\n')).to.contain('cannot be fed'), WITHIN_MS);
    expect((await stateOf('journal')).live).to.equal(2);
    expect(third.ready()).to.equal(false);
  });

  it('lets whoever queries the engine find the live version by its name, through a rebuild', async () => {
    await appendMany(0, 20);
    await start([stories]);
    await eventually(async () => expect(await published('stories')).to.have.length(14), WITHIN_MS);
    await rebuild('stories');
    await settled('stories', 2);
    await searchIndex.apply(versionIndex('stories', 1), [
      { id: 'old', revision: 0, fields: { tenant: 't', began: 1 } },
    ]);
    await eventually(async () => {
      const ids = (await published('stories')).map((row) => (row as { id: string }).id);
      expect(ids).to.have.length(14).and.not.include('old');
    }, WITHIN_MS);
  });

  it('stops feeding and then removes what nobody reads any more', async () => {
    await appendMany(0, 50);
    const one = await start([sums, journal]);
    for (const name of ['sums', 'journal']) await rebuild(name);
    for (const name of ['sums', 'journal']) await settled(name, 2);
    time += FED_AFTER_SWITCH_MS + 1;
    await eventually(async () => {
      const before = await document(1, 'alpha-1');
      await append('alpha-1', 1);
      await eventually(async () =>
        expect((await document(2, 'alpha-1'))?.revision).to.be.greaterThan(before?.revision ?? 0),
      );
      expect(await document(1, 'alpha-1')).to.deep.equal(before);
    }, WITHIN_MS);
    time += KEPT_AFTER_SWITCH_MS;
    await eventually(async () => {
      for (const name of ['sums', 'journal']) expect((await stateOf(name)).kept).to.deep.equal([]);
      expect((await versionDocuments(readStore, 'sums', 1).scan('', { limit: 10 })).documents).to.deep.equal([]);
      expect((await readStore.positions('sums.1|sums.1')).size).to.equal(0);
      expect(await readStore.keys('projection-shape:sums.1', 10)).to.deep.equal([]);
      expect(await rows('journal', 1).catch(() => 'gone')).to.equal('gone');
    }, WITHIN_MS);
    expect(await readStore.range('sums.1|sums', { limit: 10 })).to.deep.equal([]);
    expect(await rows('journal', 2)).to.have.length.greaterThan(49);
    await one.stop();
  });

  it('is built by one of several processes, and by another when that one ends', async () => {
    await appendMany(0, 200);
    const first = await start(ALL, { rebuildBus: true });
    const second = await start(ALL, { rebuildBus: true });
    await rebuild('journal');
    await first.stop();
    await settled('journal', 2);
    await append('alpha-1', 1);
    await eventually(async () => {
      expect(await rows('journal', 2)).to.have.length(201);
      expect(second.ready()).to.equal(true);
    }, WITHIN_MS);
    expect((await readWholeStream(store, projections.stream('journal'))).map(({ type }) => type)).to.deep.equal([
      'ProjectionRebuildRequested',
      'ProjectionSwitched',
    ]);
  });

  describe('with dead letters', () => {
    const faulty = { ...sums };
    const mended = {
      ...sums,
      project: (before: Sum | undefined, event: Parameters<typeof sums.project>[1]) =>
        sums.project(before, event.type === 'Fault' ? { ...event, type: 'Counted' } : event),
    };
    const letters = async () =>
      (await listDeadLetters(readStore, { limit: 10 })).map(({ group, stream, revision }) => ({
        group,
        stream,
        revision,
      }));
    const takeUp = (kind: 'retry' | 'discard', stream: string, revision: number) =>
      ask('sums', (state) =>
        decideTakeUp({ kind, stream, revision, reason: null, version: undefined, origin: origin() }, state),
      );

    beforeEach(async () => {
      await append('alpha-1', 1);
      await append('alpha-1', 2, 'Fault');
      await append('alpha-1', 3);
    });
    const parked = (group = 'sums.1') =>
      eventually(async () => {
        expect(await letters()).to.deep.include({ group, stream: 'alpha-1', revision: 1 });
      }, WITHIN_MS);

    it('tries again what an administrator asked for, though no projector was there to hear it', async () => {
      const first = await start([faulty]);
      await parked();
      await first.stop();
      await takeUp('retry', 'alpha-1', 1);
      await start([mended]);
      await eventually(async () => {
        expect(await letters()).to.deep.equal([]);
        expect(await document(1, 'alpha-1')).to.deep.equal({ revision: 2, sum: 6 });
      }, WITHIN_MS);
    });

    it('parks it again when it fails again, once for each request', async () => {
      await start([faulty]);
      await parked();
      const standing = async () => (await listDeadLetters(readStore, { limit: 1 }))[0];
      const said = async () => (await readWholeStream(store, projections.stream('sums'))).map(({ type }) => type);
      const [tells, asks] = ['DeadLetterParked', 'DeadLetterRetried'];
      await eventually(async () => expect(await said()).to.deep.equal([tells]), WITHIN_MS);
      expect((await standing())?.request).to.equal(-1);
      await takeUp('retry', 'alpha-1', 1);
      await eventually(async () => expect(await said()).to.deep.equal([tells, asks, tells]), WITHIN_MS);
      expect((await standing())?.request).to.equal(1);
      await takeUp('retry', 'alpha-1', 1);
      await eventually(async () => expect(await said()).to.deep.equal([tells, asks, tells, asks, tells]), WITHIN_MS);
      expect((await standing())?.request).to.equal(3);
    });

    it('tells the log of those that it finds, which nobody was told of', async () => {
      const letter = { eventId: 'e', error: 'x', attempts: 3, stream: 'alpha-1', revision: 1 };
      await (await loadDeadLetters(readStore, 'sums.1')).park(letter);
      await start([faulty]);
      await eventually(async () => {
        const [first] = await store.readStream(projections.stream('sums'));
        expect(first?.data).to.deep.equal({ version: 1, stream: 'alpha-1', revision: 1, error: 'x' });
      }, WITHIN_MS);
    });

    it('leaves a discarded event out, in the versions that come after too', async () => {
      await start([faulty]);
      await parked();
      await rebuild('sums');
      await settled('sums', 2);
      await parked('sums.2');
      await takeUp('discard', 'alpha-1', 1);
      await eventually(async () => expect(await letters()).to.deep.equal([]), WITHIN_MS);
      for (const version of [1, 2]) expect(await document(version, 'alpha-1')).to.deep.equal({ revision: 2, sum: 4 });
      await rebuild('sums');
      await settled('sums', 3);
      expect(await letters()).to.deep.equal([]);
      expect(await document(3, 'alpha-1')).to.deep.equal({ revision: 2, sum: 4 });
      expect((await stateOf('sums')).last?.comparison).to.include({ different: 0 });
    });

    it('ends, by a rebuild with the mended program, as if nothing had failed', async () => {
      const first = await start([faulty]);
      await parked();
      await first.stop();
      await start([mended]);
      await rebuild('sums');
      await settled('sums', 2);
      expect(await document(2, 'alpha-1')).to.deep.equal({ revision: 2, sum: 6 });
      const { last } = await stateOf('sums');
      expect(last?.comparison).to.deep.include({ different: 1, examples: ['sum:alpha-1'] });
      await takeUp('retry', 'alpha-1', 1);
      await eventually(async () => expect(await letters()).to.deep.equal([]), WITHIN_MS);
      expect(await document(1, 'alpha-1')).to.deep.equal({ revision: 2, sum: 6 });
    });
  });

  it('ends as if nothing had failed, whatever failed, was restarted, rebuilt and retried before (I7)', async function () {
    this.timeout(120_000);
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ stream: fc.nat({ max: 3 }), type: fc.constantFrom('Counted', 'Ignored', 'Fault') }),
      },
      { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'rebuild' as const, 'retry' as const) },
    );
    const names = ['sums', 'journal'];
    /** Faults that are not mended fail; those of one parity are mended from the beginning. */
    const failing = (isMended: (number: number) => boolean): Projection[] => {
      const mend = (event: RecordedEvent): RecordedEvent =>
        event.type === 'Fault' && isMended(numberIn(event)) ? { ...event, type: 'Counted' } : event;
      return [
        {
          ...sums,
          project: (before: Sum | undefined, event: RecordedEvent) => sums.project(before, mend(event)),
        },
        { ...journal, fieldsOf: (event: RecordedEvent) => journal.fieldsOf(mend(event)) },
      ];
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), fc.integer(), async (steps, seed) => {
        store = createMemoryEventStore(() => time);
        readStore = createMemoryReadStore(() => 0);
        for (let version = 1; version < 12; version++) await searchIndex.drop(`journal-${version}`);
        const mode = { seed };
        let projectors = await start(
          failing((number) => number % 2 === 0),
          { mode },
        );
        const caughtUp = () => eventually(() => expect(projectors.ready()).to.equal(true), WITHIN_MS);
        const retryAll = async () => {
          for (const { group, stream, revision } of await listDeadLetters(readStore, { limit: 100 }))
            await ask(nameOfGroup(group), (state) =>
              decideTakeUp(
                { kind: 'retry', stream, revision, reason: null, version: undefined, origin: origin() },
                state,
              ),
            );
        };
        let number = 0;
        for (const one of steps) {
          if (typeof one !== 'string') await append(`alpha-${one.stream}`, number++, one.type);
          else if (one === 'retry') await retryAll();
          else if (one === 'restart') {
            await projectors.stop();
            projectors = await start(
              failing((at) => at % 2 === 0),
              { mode },
            );
          } else {
            const idle = await Promise.all(names.map(async (name) => (await stateOf(name)).candidate === null));
            for (const [at, name] of names.entries()) if (idle[at]) await rebuild(name);
          }
        }
        await projectors.stop();
        projectors = await start(
          failing(() => true),
          { mode },
        );
        await caughtUp();
        await eventually(async () => {
          for (const name of names) expect((await stateOf(name)).candidate).to.equal(null);
        }, WITHIN_MS);
        await eventually(async () => {
          expect(await Promise.all(projectors.projections.map((projection) => projection.lag()))).to.deep.equal([
            0, 0, 0,
          ]);
        }, WITHIN_MS);
        await retryAll();
        await eventually(
          async () => expect(await listDeadLetters(readStore, { limit: 100 })).to.deep.equal([]),
          WITHIN_MS,
        );
        const [mended] = failing(() => true) as unknown as [typeof sums];
        for (let n = 0; n <= 3; n++) {
          const events = await readWholeStream(store, `alpha-${n}`);
          let folded: Sum | undefined;
          for (const event of events) {
            const change = mended.project(folded, event);
            if (change !== 'ignore') folded = change.document ?? undefined;
          }
          const sumOf = await versionDocuments(readStore, 'sums', (await stateOf('sums')).live).get([`sum:alpha-${n}`]);
          expect(sumOf[0]?.value ?? undefined).to.deep.equal(folded);
          expect(sumOf[0]?.revision ?? -1).to.equal(events.length - 1);
        }
        const ids = (await Promise.all([0, 1, 2, 3].map((n) => readWholeStream(store, `alpha-${n}`))))
          .flat()
          .filter(({ type }) => type !== 'Ignored')
          .map(({ id }) => id);
        const journalRows = await rows('journal', (await stateOf('journal')).live);
        expect(journalRows.map(({ id }) => id)).to.have.members(ids);
        await projectors.stop();
      }),
      { numRuns: 12 },
    );
  });

  it('gives a version up that cannot be built, and says why', async () => {
    await appendMany(0, 10);
    const one = await start([sums]);
    await eventually(() => expect(one.ready()).to.equal(true), WITHIN_MS);
    await readStore.put('projection-shape:sums.2', { shape: 9 });
    await rebuild('sums');
    await settled('sums', 1);
    const { last, retired } = await stateOf('sums');
    expect(last).to.include({ outcome: 'abandoned', to: 2 });
    expect(last?.reason).to.contain('shape');
    expect(retired).to.deep.equal([2]);
    expect(one.ready()).to.equal(true);
  });

  it('records who asked and what came of it', async () => {
    const [event] = [createEvent('ProjectionSwitched', { from: 1, to: 2, comparison: null }, ORIGIN)];
    expect(event).to.have.nested.property('metadata.schemaVersion', 1);
    await appendMany(0, 3);
    await start([sums]);
    await rebuild('sums');
    await settled('sums', 2);
    const [asked, switched] = await readWholeStream(store, projections.stream('sums'));
    expect(asked?.metadata.actor).to.deep.equal(ORIGIN.actor);
    expect(switched?.metadata).to.deep.include({
      actor: { kind: 'system', id: 'projectors' },
      $causationId: asked?.id,
      tenantId: 'platform',
    });
  });
});
