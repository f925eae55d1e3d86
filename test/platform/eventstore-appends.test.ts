import { v4 } from 'uuid';
import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import {
  AppendOutcomeUnknown,
  EventRefused,
  type EventStore,
  EventStoreBusy,
  WrongExpectedRevision,
} from '#platform/event-store/event-store.ts';
import { EventStoreClosed } from '#platform/event-store/append-room.ts';
import { type BreakableStandIn, shortDeadlines, startBreakableStandIn } from '../support/eventstore-event-store.ts';
import { refusal } from '../support/refusal.ts';
import { someEvent, someEvents } from '../support/some-event.ts';

describe('appending to EventStoreDB under faults', function () {
  this.timeout(60_000);
  let standIn: BreakableStandIn;
  let store: EventStore;
  let stream: string;
  before(async () => {
    standIn = await startBreakableStandIn();
    store = await standIn.open();
  });
  after(() => standIn.stop());
  beforeEach(() => {
    stream = `test-${v4()}`;
  });
  afterEach(() => standIn.faults.clear());

  const idsIn = async (name: string) => (await store.readStream(name)).map(({ id }) => id);

  // Trap 1: any error but a refusal leaves the outcome unknown; the same ids at the same place are answered as before.
  for (const kind of ['refuse', 'drop-response', 'stall', 'stall-response', 'cut-connections'] as const) {
    it(`appends once when the call meets: ${kind}`, async () => {
      const events = someEvents(2);
      await standIn.faults.add({ on: 'append', kind, times: 2 });
      const { revision, position } = await store.append(stream, events, 'no_stream');
      const [, last] = await store.readStream(stream);
      expect([revision, position]).to.deep.equal([1, last?.position]);
      const more = someEvents(1);
      await standIn.faults.add({ on: 'append', kind, times: 1 });
      expect((await store.append(stream, more, 1)).revision).to.equal(2);
      expect(await idsIn(stream)).to.deep.equal([...events, ...more].map(({ id }) => id));
    });
  }

  // Trap 5: the server's memory of ids for `any` is gone after a restart, so they go to a place too.
  it('appends once with any and stream_exists, though the answer is lost and the server restarts', async () => {
    const [first, second] = [someEvents(2), someEvents(1)];
    for (const [events, expected] of [
      [first, 'any'],
      [second, 'stream_exists'],
    ] as const) {
      await standIn.faults.add({ on: 'append', kind: 'stall-response', times: 1 });
      const appended = store.append(stream, events, expected);
      await standIn.kill9();
      await standIn.restart();
      const { revision } = await appended;
      expect(revision).to.equal(events === first ? 1 : 2);
    }
    expect(await idsIn(stream)).to.deep.equal([...first, ...second].map(({ id }) => id));
  });

  it('gives up after its deadline, and the caller may try the same again', async () => {
    const impatient = await standIn.open({ ...shortDeadlines, append: 800 });
    const events = someEvents(2);
    await standIn.faults.add({ on: 'append', kind: 'stall-response' });
    const began = performance.now();
    await refusal(AppendOutcomeUnknown, impatient.append(stream, events, 'no_stream'));
    expect(performance.now() - began).to.be.lessThan(3_000);
    await standIn.faults.clear();
    expect((await impatient.append(stream, events, 'no_stream')).revision).to.equal(1);
    expect(await idsIn(stream)).to.have.length(2);
  });

  it('is not in doubt about a conflict', async () => {
    await store.append(stream, someEvents(1), 'no_stream');
    await standIn.faults.add({ on: 'append', kind: 'drop-response', times: 1 });
    // The first try is refused, and its refusal lost: the second tells it.
    const error = await refusal(WrongExpectedRevision, store.append(stream, someEvents(1), 'no_stream'));
    expect(error.actual).to.equal(0);
  });

  // Trap 1: what comes after the deadline, or for a call that another's transport error has ended, hurts nobody.
  it('survives late answers, and transport errors of other calls', async () => {
    const other = await startBreakableStandIn();
    const elsewhere = await other.open({ ...shortDeadlines, append: 700 });
    try {
      await standIn.faults.add({ on: 'append', kind: 'delay-response', ms: 450, probability: 0.5, seed: 3 });
      await other.faults.add({ on: 'append', kind: 'delay-response', ms: 900 });
      const here = Array.from({ length: 40 }, (_, n) => store.append(`${stream}-${n}`, someEvents(1), 'no_stream'));
      const there = Array.from({ length: 10 }, (_, n) =>
        elsewhere.append(`${stream}-${n}`, someEvents(1), 'no_stream'),
      );
      // A connection that breaks under the one store leaves the other's appends alone.
      await other.faults.cutConnections();
      const outcomes = await Promise.allSettled(there);
      await other.kill9();
      expect((await Promise.all(here)).map(({ revision }) => revision)).to.deep.equal(here.map(() => 0));
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).to.be.instanceOf(AppendOutcomeUnknown);
      }
    } finally {
      await other.stop();
    }
  });

  // The client's own append and its BatchAppend are never used.
  it('makes each append a call of its own, whatever the server offers', async () => {
    const before = await standIn.faults.counts();
    await store.append(stream, someEvents(1), 'no_stream');
    const after = await standIn.faults.counts();
    expect([after.append - before.append, after.batchAppend]).to.deep.equal([1, 0]);
  });

  it('names the position of the last event, which a reader waits for', async () => {
    const { position } = await store.append(stream, someEvents(3), 'no_stream');
    const found = await store.readStream(stream);
    expect(found.map((event) => event.position <= position)).to.deep.equal([true, true, true]);
    expect(found.at(-1)?.position).to.equal(position);
    expect(await store.readAll(position, 10)).to.deep.equal([]);
    expect(await store.head()).to.equal(position);
  });

  it('refuses what the server would not take, and the names that are not its to give', async () => {
    const large = someEvent({ text: 'x'.repeat(1_100_000) });
    await refusal(EventRefused, store.append(stream, [large], 'no_stream'));
    await refusal(EventRefused, store.append('$system', someEvents(1), 'any'));
    await refusal(EventRefused, store.append('defter-log', someEvents(1), 'any'));
    await refusal(EventRefused, store.append(stream, [someEvent({}, { type: '$>' })], 'any'));
    expect(await store.readStream(stream)).to.deep.equal([]);
  });

  it('takes in only so many waiting appends', async () => {
    const small = await standIn.open(shortDeadlines, 10);
    const appends = Array.from({ length: 15 }, (_, n) => small.append(`${stream}-${n}`, someEvents(1), 'no_stream'));
    const errors = (await Promise.allSettled(appends)).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    expect(errors).to.have.length(5);
    for (const error of errors) expect(error).to.be.instanceOf(EventStoreBusy);
  });

  it('says of an append that never had its turn that nothing was written', async () => {
    const hurried = await standIn.open({ ...shortDeadlines, appendAttempt: 500, append: 600 });
    await standIn.faults.add({ on: 'append', kind: 'stall' });
    const appends = Array.from({ length: 300 }, (_, n) => hurried.append(`${stream}-${n}`, someEvents(1), 'no_stream'));
    const settled = await Promise.allSettled(appends);
    const reasons = settled.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Error).name : 'done'));
    expect(new Set(reasons)).to.deep.equal(new Set(['AppendOutcomeUnknown', 'EventStoreBusy']));
  });

  it('finishes what was asked before it closes, and refuses what comes after', async () => {
    const closing = await standIn.open();
    const appends = Array.from({ length: 100 }, (_, n) => closing.append(`${stream}-${n}`, someEvents(2), 'no_stream'));
    const closed = closing.close();
    await refusal(EventStoreClosed, closing.append(stream, someEvents(1), 'any'));
    expect((await Promise.all(appends)).every(({ revision }) => revision === 1)).to.equal(true);
    await closed;
    await closing.close();
  });

  it('knows each append once, under every fault at random', async () => {
    const faults = ['refuse', 'drop-response', 'stall-response', 'delay-response', 'cut-connections'] as const;
    for (const [n, kind] of faults.entries()) {
      await standIn.faults.add({ on: 'append', kind, probability: 0.05, seed: n + 1, ms: 200 });
    }
    await standIn.faults.add({ on: 'read', kind: 'refuse', probability: 0.05, seed: 9 });
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      const written: string[] = [];
      for (let n = 0; n < 12; n += 1) {
        const events = someEvents(1 + (n % 2));
        const expected = n === 0 ? 'no_stream' : n % 3 === 0 ? 'any' : written.length - 1;
        const { revision } = await store.append(`${stream}-${writer}`, events, expected);
        written.push(...events.map(({ id }) => id));
        expect(revision).to.equal(written.length - 1);
      }
      return written;
    });
    const written = await Promise.all(writers);
    expect((await standIn.faults.counts()).faults).to.be.greaterThan(10);
    await standIn.faults.clear();
    const found = await Promise.all(written.map((_, writer) => idsIn(`${stream}-${writer}`)));
    expect(found).to.deep.equal(written);
  });

  it('reads on after a restart', async () => {
    const { position } = await store.append(stream, someEvents(3), 'no_stream');
    await standIn.kill9();
    const reading: Promise<RecordedEvent[]> = store.readStream(stream);
    const head = store.head();
    await standIn.restart();
    expect(await reading).to.have.length(3);
    expect(await head).to.equal(position);
  });
});
