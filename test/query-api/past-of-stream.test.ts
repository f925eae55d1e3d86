import { expect } from 'chai';
import { apiKeys, type ApiKeyState } from '#events/api-key.ts';
import { createEvent } from '#events/create-event.ts';
import type { Snapshot } from '#platform/event-store/snapshots.ts';
import { createPastOfStreams } from '../../query-api/replay/past-of-stream.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { AS_ISSUED } from '../support/given-projection.ts';
import { APART, createMemoryEventStore, FIRST } from '../support/memory-event-store.ts';

const STREAM = apiKeys.stream('k');
/** More than are read at once. */
const LENGTH = 700;

const idOf = (n: number) => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const limits = (n: number) => createEvent('ApiKeyLimitsSet', { requestsPerMinute: n }, { ...ORIGIN, eventId: idOf(n) });
const limitOf = (state: unknown) => (state as Exclude<ApiKeyState, { status: 'absent' }>).key.requestsPerMinute;

/** A stream in which each event but the first sets the limit to its own revision. */
async function longStream(snapshot?: Partial<Snapshot>) {
  const store = createMemoryEventStore(() => 1_000);
  await store.append(STREAM, [createEvent('ApiKeyIssued', AS_ISSUED, ORIGIN)], 'no_stream');
  await store.append(
    STREAM,
    Array.from({ length: LENGTH - 1 }, (_, at) => limits(at + 1)),
    0,
  );
  let read = 0;
  const counted: Pick<typeof store, 'readStream'> = {
    async readStream(stream, options) {
      const events = await store.readStream(stream, options);
      read += events.length;
      return events;
    },
  };
  const kept = snapshot && { commands: [], state: undefined, eventId: '', revision: 0, ...snapshot };
  const past = createPastOfStreams({ store: counted, snapshots: { find: async () => kept } });
  return { past, read: () => read };
}

const positionOf = (revision: number) => FIRST + APART * BigInt(revision);

describe('the past of a stream', () => {
  it('is folded up to a position, whether an event stands there or not', async () => {
    const { past } = await longStream();
    for (const revision of [0, 1, 255, 256, 257, LENGTH - 1]) {
      for (const position of [positionOf(revision), positionOf(revision) + 1n]) {
        const then = await past.stateAt(STREAM, position);
        expect(then?.event.revision).to.equal(revision);
        expect(limitOf(then?.state)).to.equal(revision || null);
        expect((await past.lastUpTo(STREAM, position))?.revision).to.equal(revision);
      }
    }
    expect((await past.lastUpTo(STREAM, positionOf(LENGTH) + 1_000n))?.revision).to.equal(LENGTH - 1);
  });

  it('is nothing before its first event, and of a stream that never was', async () => {
    const { past } = await longStream();
    for (const [stream, position] of [
      [STREAM, FIRST - 1n],
      [STREAM, 0n],
      ['apikey-none', positionOf(9)],
    ] as const) {
      expect(await past.stateAt(stream, position)).to.equal(undefined);
      expect(await past.lastUpTo(stream, position)).to.equal(undefined);
    }
    expect(await past.first('apikey-none')).to.equal(undefined);
    expect(await past.steps('apikey-none', 0, 9)).to.deep.equal([]);
  });

  it('tells what each event did', async () => {
    const { past } = await longStream();
    const steps = await past.steps(STREAM, 299, 301);
    expect(steps.map(({ event, before, after }) => [event.revision, limitOf(before), limitOf(after)])).to.deep.equal([
      [299, 298, 299],
      [300, 299, 300],
      [301, 300, 301],
    ]);
    const [first] = await past.steps(STREAM, 0, 0);
    expect(first?.before).to.deep.equal({ status: 'absent' });
  });

  it('begins at what is kept of it, where that is no later than asked for', async () => {
    const { past, read } = await longStream({
      revision: 600,
      eventId: idOf(600),
      state: { status: 'active', key: { ...AS_ISSUED, requestsPerMinute: 600 } },
    });
    expect(limitOf((await past.stateAt(STREAM, positionOf(650)))?.state)).to.equal(650);
    const [step] = await past.steps(STREAM, 650, 650);
    expect([limitOf(step?.before), limitOf(step?.after)]).to.deep.equal([649, 650]);
    expect(read()).to.be.lessThan(300);
    expect(limitOf((await past.stateAt(STREAM, positionOf(300)))?.state)).to.equal(300);
    const [earlier] = await past.steps(STREAM, 600, 600);
    expect(limitOf(earlier?.before)).to.equal(599);
  });

  it('is not folded from its first event again where it is long', async () => {
    const { past, read } = await longStream();
    await past.stateAt(STREAM, positionOf(650));
    for (const revision of [660, 640, 333, 16, 15]) {
      const before = read();
      expect(limitOf((await past.stateAt(STREAM, positionOf(revision)))?.state)).to.equal(revision);
      const [step] = await past.steps(STREAM, revision, revision);
      expect([limitOf(step?.before), limitOf(step?.after)]).to.deep.equal([revision - 1, revision]);
      expect(read() - before).to.be.lessThan(100);
    }
    expect(limitOf((await past.stateAt(STREAM, positionOf(7)))?.state)).to.equal(7);
  });

  it('tells of a long stretch only what is wanted, and leaves the loop to others meanwhile', async () => {
    const { past } = await longStream();
    let rounds = 0;
    let isDone = false;
    const count = () => {
      rounds++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const slowly = ({ revision }: { readonly revision: number }) => {
      for (const began = performance.now(); performance.now() - began < 0.2;);
      return [5, 650].includes(revision);
    };
    const steps = await past.steps(STREAM, 5, 650, slowly);
    isDone = true;
    expect(steps.map(({ before, after }) => [limitOf(before), limitOf(after)])).to.deep.equal([
      [4, 5],
      [649, 650],
    ]);
    // 130 ms of work on what is there at once.
    expect(rounds).to.be.greaterThan(40);
  });

  it('is of the log as it is, also where that was restored meanwhile', async () => {
    const logs = await Promise.all(
      [0, 10_000].map(async (apart) => {
        const store = createMemoryEventStore(() => 1_000);
        await store.append(STREAM, [createEvent('ApiKeyIssued', AS_ISSUED, ORIGIN)], 'no_stream');
        const later = Array.from({ length: 99 }, (_, at) => limits(apart + at + 1));
        await store.append(STREAM, later, 0);
        return store;
      }),
    );
    let log = logs[0];
    const past = createPastOfStreams({
      store: { readStream: async (stream, options) => (await log?.readStream(stream, options)) ?? [] },
      snapshots: { find: async () => undefined },
    });
    const limitNow = async () => limitOf((await past.stateAt(STREAM, positionOf(79)))?.state);
    expect(await limitNow()).to.equal(79);
    log = logs[1];
    expect(await limitNow()).to.equal(10_079);
    expect(await limitNow()).to.equal(10_079);
  });

  it('believes nothing that is kept of another log', async () => {
    const { past } = await longStream({ revision: 600, eventId: idOf(1), state: { status: 'revoked' } });
    expect(limitOf((await past.stateAt(STREAM, positionOf(650)))?.state)).to.equal(650);
  });
});
