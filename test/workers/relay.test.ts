// The relay's loop over a target in memory, where each fault comes when it is told to. On Kafka, and as processes that are
// killed: test/contract/relay-target-kafka.test.ts, test/fault/relay.test.ts.

import { expect } from 'chai';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { LogIsNewer } from '#platform/event-store/event-store.ts';
import type { RelayTarget } from '#platform/relay/relay-target.ts';
import { type Relay, startRelay } from '../../workers/relay/start.ts';
import { checkRelayed } from '../support/check-relayed.ts';
import { eventually } from '../support/eventually.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryRelayLog, type MemoryRelayLog } from '../support/memory-relay-target.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { countedEvent, relayPartitionOf, relayTopicOf } from '../support/relay-language.ts';

describe('the relay', () => {
  let store: EventStore;
  let written: MemoryRelayLog;
  let log: ReturnType<typeof createQuietLog>;
  let relays: Relay[];

  beforeEach(() => {
    store = createMemoryEventStore();
    written = createMemoryRelayLog();
    log = createQuietLog();
    relays = [];
  });

  afterEach(() => Promise.all(relays.map((relay) => relay.stop())));

  function start(parts: { store?: Partial<EventStore>; target?: Partial<RelayTarget> } = {}): Relay {
    const relay = startRelay({
      store: { ...store, ...parts.store },
      target: { ...written.open(), ...parts.target },
      topicOf: relayTopicOf,
      partitionOf: relayPartitionOf,
      log,
    });
    relays.push(relay);
    return relay;
  }

  let number = 0;
  async function append(count: number, stream = 'alpha-1'): Promise<bigint> {
    const events = Array.from({ length: count }, () => countedEvent(number++));
    return (await store.append(stream, events, 'any')).position;
  }

  async function violations(): Promise<string[]> {
    return checkRelayed({
      log: await store.readAll(0n, 1_000_000),
      records: written.records,
      topicOf: relayTopicOf,
      partitionOf: relayPartitionOf,
      checkpoint: written.checkpoint?.position ?? 0n,
    });
  }

  const arrived = async (position: bigint) => eventually(() => expect(written.checkpoint?.position).to.equal(position));

  async function expectEqual(): Promise<void> {
    await arrived(await store.head());
    expect(await violations()).to.deep.equal([]);
  }

  it('writes what is there and what comes, and says how far it is', async () => {
    const position = await append(250);
    const relay = start();
    await arrived(position);
    expect(relay.state()).to.deep.equal({ name: 'working', position, caughtUp: true });
    expect(relay.waitsFor()).to.equal(null);
    expect(await relay.lag()).to.equal(0);
    await append(1, 'beta-4');
    await expectEqual();
    expect(Math.max(...written.batches)).to.equal(100);
  });

  it('writes a single event at once, and what comes meanwhile in one batch', async () => {
    const gate = Promise.withResolvers<void>();
    start();
    await arrived(await append(1));
    const entered = Promise.withResolvers<void>();
    written.fault = () => {
      entered.resolve();
      return gate.promise.then(() => undefined);
    };
    await append(1);
    await entered.promise;
    for (let n = 0; n < 20; n++) await append(1, `alpha-${n}`);
    gate.resolve();
    await expectEqual();
    expect(written.batches).to.deep.equal([1, 1, 20]);
  });

  it('keeps a batch below what one partition may be sent at once', async () => {
    written = createMemoryRelayLog({ maxEvents: 1_000, maxBytes: 1_000_000, maxPartitionBytes: 1_000 });
    await store.append('alpha-1', [countedEvent(1, 'x'.repeat(5_000))], 'any');
    for (let n = 0; n < 10; n++) await store.append('alpha-1', [countedEvent(n, 'x'.repeat(400))], 'any');
    start();
    await expectEqual();
    expect(written.batches).to.deep.equal([1, 2, 2, 2, 2, 2]);
  });

  it('keeps a batch below what can be written in time', async () => {
    written = createMemoryRelayLog({ maxEvents: 1_000, maxBytes: 1_000, maxPartitionBytes: 1_000 });
    for (let n = 0; n < 9; n++) await store.append(`alpha-${n}`, [countedEvent(n, 'x'.repeat(300))], 'any');
    start();
    await expectEqual();
    expect(written.batches).to.deep.equal([3, 3, 3]);
  });

  it('waits while another works, is ready so, and goes on from its checkpoint', async () => {
    const position = await append(3);
    const first = start();
    await arrived(position);
    const second = start();
    expect(second.state()).to.deep.equal({ name: 'waiting' });
    expect(second.waitsFor()).to.equal(null);
    expect(await second.lag()).to.equal(0);
    await first.stop();
    await append(2);
    await expectEqual();
    expect(second.state().name).to.equal('working');
    expect(first.state()).to.deep.equal({ name: 'stopped' });
  });

  for (const when of ['before', 'after'] as const) {
    it(`opens a new session when a write fails ${when} it was done, and neither loses nor doubles`, async () => {
      let writes = 0;
      written.fault = async () => {
        writes += 1;
        if (writes % 3 !== 2) return undefined;
        if (when === 'after') return 'after';
        throw new Error('the connection broke');
      };
      start();
      for (let n = 0; n < 8; n++) await arrived(await append(2, `beta-${n}`));
      await expectEqual();
      expect(written.opened).to.be.above(2);
      expect(log.lines.join('\n')).to.include('the relay begins anew from its checkpoint');
    });
  }

  it('writes nothing more once it is fenced, and works again when it still has the turn', async () => {
    start();
    await arrived(await append(1));
    written.fence();
    await append(1);
    await expectEqual();
    expect(log.lines.join('\n')).to.include('another relay took over');
  });

  it('stops writing when its turn is taken away, also in the middle of a batch', async () => {
    start();
    await arrived(await append(1));
    const gate = Promise.withResolvers<void>();
    written.fault = () => gate.promise.then(() => undefined);
    await append(1);
    await append(1, 'beta-1');
    written.takeAway();
    gate.resolve();
    written.fault = undefined;
    await expectEqual();
    expect(written.opened).to.equal(2);
  });

  it('takes a subscription up again that drops, ends, or cannot be had for a while', async () => {
    let subscriptions = 0;
    async function* subscribeAll(after: bigint, signal: AbortSignal) {
      subscriptions += 1;
      if (subscriptions % 3 === 0) throw new Error('no server');
      for await (const events of store.subscribeAll(after, signal)) {
        yield events.slice(0, 1);
        if (subscriptions % 3 === 1) return;
        throw new Error('dropped');
      }
    }
    await append(5);
    const relay = start({ store: { subscribeAll } });
    await expectEqual();
    expect(subscriptions).to.be.above(4);
    await eventually(() => expect(relay.waitsFor()).to.equal(null));
    expect(written.opened).to.equal(1);
  });

  async function expectStops(relay: Relay, sentence: string | RegExp): Promise<void> {
    const error = await relay.failed;
    expect(error.message).to.match(new RegExp(sentence));
    expect(relay.waitsFor()).to.match(/^the relay has stopped: /);
    expect(relay.state()).to.include({ name: 'stopped' });
  }

  it('stops before a stream it knows no topic for, after all that came before, and leaves the turn to another', async () => {
    const position = await append(3);
    await append(1, 'gamma-1');
    await append(1);
    const relay = start();
    await expectStops(relay, 'the log is newer than this program: it knows no topic for gamma-1');
    expect(written.checkpoint?.position).to.equal(position);
    start();
    await eventually(() => expect(written.opened).to.equal(2));
  });

  it('stops when the log is newer', async () => {
    const position = await append(1);
    await append(1);
    async function* subscribeAll(after: bigint, signal: AbortSignal) {
      for await (const events of store.subscribeAll(after, signal)) {
        yield events.slice(0, 1);
        throw new LogIsNewer('the log is newer than this program');
      }
    }
    await expectStops(start({ store: { subscribeAll } }), 'the log is newer than this program');
    expect(written.checkpoint?.position).to.equal(position);
  });

  it('stops at an event that cannot be encoded, after all that came before', async () => {
    const position = await append(3);
    const refused = await append(1);
    await append(1);
    const target = written.open();
    const relay = start({
      target: {
        ...target,
        async encode(events) {
          if (!events.some(({ event }) => event.position === refused)) return target.encode(events);
          throw Object.assign(new Error('the schema of Counted is missing'), { retriable: false });
        },
      },
    });
    await expectStops(relay, 'the schema of Counted is missing');
    expect(written.checkpoint?.position).to.equal(position);
  });

  it('waits while events cannot be encoded for another reason, and says so', async () => {
    await append(5);
    const target = written.open();
    let isAway = true;
    const relay = start({
      target: {
        ...target,
        encode: async (events) => (isAway ? Promise.reject(new Error('no registry')) : target.encode(events)),
      },
    });
    await eventually(() => expect(relay.waitsFor()).to.equal('the relay tries again: events cannot be encoded'));
    isAway = false;
    await expectEqual();
    expect(relay.waitsFor()).to.equal(null);
  });

  it('says so while encoding waits without an answer, and stops at once all the same', async () => {
    await append(5);
    const relay = start({ target: { ...written.open(), encode: () => new Promise(() => undefined) } });
    await eventually(() => expect(relay.waitsFor()).to.equal('the relay tries again: events wait to be encoded'));
    await relay.stop();
    expect(written.batches).to.deep.equal([]);
  });

  it('stops when the checkpoint is of another generation of the log', async () => {
    const position = await append(1);
    await append(1);
    written.checkpoint = { position, generation: 'before the restore' };
    await expectStops(start(), 'generation memory, .* of before the restore: the log was restored');
    expect(written.batches).to.deep.equal([]);
  });

  it('asks again when the log seems shorter than the checkpoint: a replica may be behind', async () => {
    const behind = await append(2);
    const head = await append(3);
    written.checkpoint = { position: head, generation: store.generation };
    let asked = 0;
    const relay = start({ store: { head: async () => (++asked < 4 ? behind : head) } });
    await eventually(() => expect(relay.state().name).to.equal('working'));
    expect(asked).to.be.above(3);
  });

  it('stops at once while it waits for its turn, and while nothing comes', async () => {
    const working = start();
    const waiting = start();
    await eventually(() => expect(working.state().name).to.equal('working'));
    await waiting.stop();
    await working.stop();
    expect([working.state().name, waiting.state().name]).to.deep.equal(['stopped', 'stopped']);
  });
});
