import { v4 } from 'uuid';
import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { EventStoreUnavailable, SubscriptionDropped } from '#platform/event-store/eventstore-errors.ts';
import { type BreakableStandIn, startBreakableStandIn } from '../support/eventstore-event-store.ts';
import { eventually } from '../support/eventually.ts';
import { refusal } from '../support/refusal.ts';
import { someEvents } from '../support/some-event.ts';

interface Following {
  readonly seen: RecordedEvent[];
  readonly done: Promise<void>;
  readonly abort: AbortController;
}

function follow(store: EventStore, after: bigint): Following {
  const abort = new AbortController();
  const seen: RecordedEvent[] = [];
  const run = async () => {
    for await (const chunk of store.subscribeAll(after, abort.signal)) seen.push(...chunk);
  };
  const done = run();
  done.catch(() => undefined); // Looked at by the test when its time comes.
  return { seen, done, abort };
}

describe('subscribing to EventStoreDB under faults', function () {
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

  async function followed(count: number): Promise<Following> {
    const following = follow(store, await store.head());
    await store.append(stream, someEvents(count), 'no_stream');
    await eventually(() => expect(following.seen).to.have.length(count));
    return following;
  }

  // Trap 4: an error and a clean end are both drops.
  for (const how of ['error', 'end'] as const) {
    it(`throws when the server cuts the subscription by an ${how}`, async () => {
      const { done } = await followed(2);
      expect(await standIn.faults.cutSubscriptions(how)).to.equal(1);
      await refusal(SubscriptionDropped, done);
    });
  }

  it('throws when the connection breaks and when the server is killed', async () => {
    const first = await followed(1);
    await standIn.faults.cutConnections();
    await refusal(SubscriptionDropped, first.done);
    stream = `test-${v4()}`;
    const second = await followed(1);
    await standIn.kill9();
    await refusal(SubscriptionDropped, second.done);
    await standIn.restart();
  });

  // Trap 6: nothing has a deadline of its own.
  it('throws when the server does not confirm the subscription', async () => {
    await standIn.faults.add({ on: 'subscribe', kind: 'stall' });
    await refusal(SubscriptionDropped, follow(store, 0n).done);
  });

  it('throws when the subscription is silent although the log has grown', async () => {
    const following = await followed(1);
    await standIn.faults.add({ on: 'deliver', kind: 'stall' });
    await store.append(stream, someEvents(1), 0);
    const error = await refusal(SubscriptionDropped, following.done);
    expect(error.message).to.contain('silent');
  });

  it('throws when the server does not answer at all any more', async () => {
    const following = await followed(1);
    await standIn.faults.add({ on: 'read', kind: 'stall' });
    await refusal(SubscriptionDropped, following.done);
  });

  it('waits on when there is nothing to say', async () => {
    const following = await followed(1);
    const before = (await standIn.faults.counts()).read;
    // It has looked at the head several times.
    await eventually(async () => expect((await standIn.faults.counts()).read).to.be.greaterThan(before + 3));
    await store.append(stream, someEvents(1), 0);
    await eventually(() => expect(following.seen).to.have.length(2));
    following.abort.abort();
    await following.done;
  });

  // Trap 3: the checkpoint is the last event handled, never what the server reports in between.
  it('goes on from the last event handled, without gap or duplicate, however often it is dropped', async () => {
    const after = await store.head();
    const seen: string[] = [];
    let last = after;
    let drops = 0;
    const abort = new AbortController();
    const consume = async () => {
      while (!abort.signal.aborted) {
        try {
          for await (const chunk of store.subscribeAll(last, abort.signal)) {
            seen.push(...chunk.map(({ id }) => id));
            last = chunk.at(-1)?.position ?? last;
          }
        } catch (error) {
          expect(error).to.be.instanceOf(SubscriptionDropped);
          drops += 1;
        }
      }
    };
    const consumed = consume();
    await standIn.faults.add({ on: 'deliver', kind: 'repeat', probability: 0.3, seed: 5 });
    const ids: string[] = [];
    for (let n = 0; n < 30; n += 1) {
      const events = someEvents(1 + (n % 4));
      await store.append(`${stream}-${n % 3}`, events, 'any');
      ids.push(...events.map(({ id }) => id));
      if (n % 5 === 0) await standIn.faults.cutSubscriptions(n % 10 === 0 ? 'end' : 'error');
      if (n % 7 === 0) await standIn.faults.writeSystemEvents(3);
    }
    await eventually(() => expect(seen).to.have.length.at.least(ids.length));
    abort.abort();
    await consumed;
    expect(drops).to.be.greaterThan(2);
    expect(seen).to.deep.equal(ids);
  });

  it('takes no more from the server than the consumer asks for', async () => {
    const after = await store.head();
    for (let n = 0; n < 10; n += 1) await store.append(`${stream}-${n}`, someEvents(300), 'no_stream');
    const subscription = store.subscribeAll(after, new AbortController().signal)[Symbol.asyncIterator]();
    const first = (await subscription.next()).value as readonly RecordedEvent[];
    const seen = [...first];
    while (seen.length < 3_000) seen.push(...((await subscription.next()).value as readonly RecordedEvent[]));
    await subscription.return?.();
    expect(seen.map(({ id }) => id)).to.deep.equal((await store.readAll(after, 4_000)).map(({ id }) => id));
  });

  // Trap 7: persistent subscriptions are never asked for; the stand-in does not have them.
  it("shows neither the server's own events nor Defter's bookkeeping", async () => {
    const after = await store.head();
    await standIn.faults.writeSystemEvents(60);
    expect(await store.head()).to.equal(after);
    expect(await store.readAll(after, 10)).to.deep.equal([]);
    const { position } = await store.append(stream, someEvents(1), 'no_stream');
    await standIn.faults.writeSystemEvents(60);
    expect((await store.readAll(after, 10)).map((event) => event.position)).to.deep.equal([position]);
    expect(await store.head()).to.equal(position);
    const all: RecordedEvent[] = [];
    for (let from = 0n; ;) {
      const page = await store.readAll(from, 700);
      if (page.length === 0) break;
      all.push(...page);
      from = page.at(-1)?.position ?? from;
    }
    const { seen, abort, done } = follow(store, 0n);
    await eventually(() => expect(seen).to.have.length(all.length));
    abort.abort();
    await done;
    expect(seen.map(({ id }) => id)).to.deep.equal(all.map(({ id }) => id));
    for (const event of all) expect(event.stream).to.match(/^test-/);
  });

  it('tells that a read did not come in time, and ends it', async () => {
    const impatient = await standIn.open({ readAttempt: 150, read: 500 });
    await standIn.faults.add({ on: 'read', kind: 'stall' });
    const began = performance.now();
    await refusal(EventStoreUnavailable, impatient.readAll(0n, 10));
    await refusal(EventStoreUnavailable, impatient.readStream(stream));
    await refusal(EventStoreUnavailable, impatient.head());
    expect(performance.now() - began).to.be.lessThan(4_000);
    await standIn.faults.clear();
    await impatient.head();
  });

  it('ends for those who wait when the store closes', async () => {
    const closing = await standIn.open();
    const { done } = follow(closing, await closing.head());
    const dropped = refusal(Error, done);
    await closing.close();
    expect((await dropped).message).to.equal('the event store was closed');
  });
});
