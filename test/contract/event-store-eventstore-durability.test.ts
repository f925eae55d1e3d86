import { v4, v7 } from 'uuid';
import { expect } from 'chai';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import {
  AppendOutcomeUnknown,
  type EventStore,
  EventStoreBusy,
  type ExpectedRevision,
} from '#platform/event-store/event-store.ts';
import { SubscriptionDropped } from '#platform/event-store/eventstore-errors.ts';
import { type BreakableStandIn, shortDeadlines, startBreakableStandIn } from '../support/eventstore-event-store.ts';
import { eventually } from '../support/eventually.ts';
import { someEvent } from '../support/some-event.ts';

interface Written {
  /** Acknowledged, in their streams' order. */
  readonly acknowledged: Map<string, string[]>;
  /** Given up without an answer. */
  readonly unknown: Set<string>;
  appends: number;
}

/** Appends until told to stop; where an outcome stays unknown, it leaves the stream and begins another. */
async function writeOn(store: EventStore, prefix: string, written: Written, stop: AbortSignal): Promise<void> {
  for (let n = 0; !stop.aborted; n += 1) await write(store, `${prefix}-${n}`, written, stop);
}

/** Appends to one stream at the revision known, sometimes with `any`; one unknown outcome in two is left. */
async function write(store: EventStore, stream: string, written: Written, stop: AbortSignal): Promise<void> {
  const mine: string[] = [];
  written.acknowledged.set(stream, mine);
  for (let n = 0; !stop.aborted; n += 1) {
    const append = v7();
    const parts = 1 + (n % 3);
    const events = Array.from({ length: parts }, () => someEvent({ append, parts }));
    const expected = n % 4 === 3 ? 'any' : mine.length === 0 ? 'no_stream' : mine.length - 1;
    if (!(await appendUntilKnown(store, stream, events, expected))) {
      for (const { id } of events) written.unknown.add(id);
      return;
    }
    mine.push(...events.map(({ id }) => id));
    written.appends += 1;
  }
}

/** False when it was left unknown: then nobody may go on at that stream. */
async function appendUntilKnown(
  store: EventStore,
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision,
): Promise<boolean> {
  for (;;) {
    try {
      await store.append(stream, events, expected);
      return true;
    } catch (error) {
      if (error instanceof EventStoreBusy) continue;
      expect(error, `${expected}: ${String(error)}`).to.be.instanceOf(AppendOutcomeUnknown);
      if (Math.random() < 0.5) return false;
    }
  }
}

async function wholeLog(store: EventStore): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const page = await store.readAll(events.at(-1)?.position ?? 0n, 1_000);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** Subscribes again whenever it is dropped, from the last event seen. */
async function followAll(store: EventStore, seen: RecordedEvent[], stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      const after = seen.at(-1)?.position ?? 0n;
      for await (const chunk of store.subscribeAll(after, stop)) seen.push(...chunk);
    } catch (error) {
      expect(error).to.have.property('retriable', true);
      if (!(error instanceof SubscriptionDropped)) continue;
    }
  }
}

describe('event store on EventStoreDB: durability', function () {
  this.timeout(120_000);
  let standIn: BreakableStandIn;
  before(async () => {
    standIn = await startBreakableStandIn();
  });
  after(() => standIn.stop());

  it('has every acknowledged append once and none twice or half, however often the server is killed', async () => {
    // The second gives up within a restart, so that outcomes stay unknown too.
    const patient = await standIn.open({ ...shortDeadlines, append: 10_000 });
    const hasty = await standIn.open({ appendAttempt: 200, append: 300, silence: 300, grace: 200 });
    const prefix = v4();
    const written: Written = { acknowledged: new Map(), unknown: new Set(), appends: 0 };
    const stop = new AbortController();
    const streams = Array.from({ length: 24 }, (_, n) => `${prefix}-${n}`);
    const writers = streams.map((stream, n) => writeOn(n % 3 === 2 ? hasty : patient, stream, written, stop.signal));
    const seen: RecordedEvent[] = [];
    const following = followAll(patient, seen, stop.signal);
    for (let kill = 0; kill < 4; kill += 1) {
      const enough = written.appends + 20 + Math.floor(Math.random() * 200);
      await eventually(() => expect(written.appends).to.be.at.least(enough), 60_000);
      await standIn.kill9();
      await standIn.restart();
    }
    const enough = written.appends + 50;
    await eventually(() => expect(written.appends).to.be.at.least(enough), 60_000);
    stop.abort();
    await Promise.all([...writers, following]);

    const log = await wholeLog(patient);
    const ids = log.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    const byStream = Map.groupBy(log, ({ stream }) => stream);
    for (const [stream, acknowledged] of written.acknowledged) {
      const there = byStream.get(stream) ?? [];
      expect(there.map(({ revision }) => revision)).to.deep.equal(there.map((_, n) => n));
      expect(there.slice(0, acknowledged.length).map(({ id }) => id)).to.deep.equal(acknowledged);
      for (const { id } of there.slice(acknowledged.length)) expect(written.unknown).to.include(id);
    }
    for (const parts of Map.groupBy(log, ({ data }) => (data as { append: string }).append).values()) {
      for (const { data } of parts) expect(parts).to.have.length((data as { parts: number }).parts);
    }
    expect(seen.map(({ id }) => id)).to.deep.equal(ids.slice(0, seen.length));
    expect(seen.length).to.be.greaterThan(100);
  });
});
