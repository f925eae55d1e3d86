// What every event store must do, whatever stands behind it. The log may hold other events already, and others may
// append all the while: each test uses streams of its own, reads the log from its present head and looks at its own
// events in it. Positions are opaque: only 0n and what the log has given are asked for.

import { expect } from 'chai';
import fc from 'fast-check';
import { v4 } from 'uuid';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import {
  EventRefused,
  EventTooLarge,
  type EventStore,
  type ExpectedRevision,
  WrongExpectedRevision,
} from '#platform/event-store/event-store.ts';
import { modelAppend, type StreamModel } from '../support/event-store-model.ts';
import { refusal } from '../support/refusal.ts';
import { someEvent, someEvents } from '../support/some-event.ts';

export interface EventStoreContract {
  readonly name: string;
  /** A store; its `close` also removes what was made for it. */
  readonly open: () => Promise<EventStore>;
  /** Runs of the random test; fewer for an adapter far away. Default 100. */
  readonly runs?: number;
}

function idsOf(events: readonly { readonly id: string }[]): string[] {
  return events.map(({ id }) => id);
}

export function eventStoreContract({ name, open, runs = 100 }: EventStoreContract): void {
  describe(`event store contract: ${name}`, () => {
    let store: EventStore;
    let stream: string;
    before(async () => {
      store = await open();
    });
    after(() => store.close());
    beforeEach(() => {
      stream = `test-${v4()}`;
    });

    async function positionOf(revision: number): Promise<bigint> {
      const [event] = await store.readStream(stream, { from: revision, limit: 1 });
      expect(event?.revision).to.equal(revision);
      return event?.position ?? -1n;
    }

    const isMine = (event: RecordedEvent) => event.stream.startsWith(stream);
    const mineOf = (events: readonly RecordedEvent[]) => idsOf(events.filter(isMine));

    function refused(events: readonly NewEvent[], expected: ExpectedRevision): Promise<WrongExpectedRevision> {
      return refusal(WrongExpectedRevision, store.append(stream, events, expected));
    }

    async function append(events: readonly NewEvent[], expected: ExpectedRevision): Promise<[number, bigint]> {
      const { revision, position } = await store.append(stream, events, expected);
      return [revision, position];
    }

    describe('append', () => {
      it('answers with the revision and position of the last event', async () => {
        expect(await append(someEvents(3), 'no_stream')).to.deep.equal([2, await positionOf(2)]);
        expect(await append(someEvents(1), 2)).to.deep.equal([3, await positionOf(3)]);
      });

      it('keeps every part of an event', async () => {
        const before = Date.now();
        const metadata = {
          ...someEvent().metadata,
          origin: { keyId: 'k-1', sealed: 'c2VhbGVk' },
          traceparent: '00-0af7-b7ad-01',
        };
        const event = someEvent(
          { text: 'a', number: -1.5e300, list: [null, true, {}], nested: { a: [[]] } },
          { metadata },
        );
        const { position, recordedAt: said } = await store.append(stream, [event], 'no_stream');
        const [recorded] = await store.readStream(stream);
        expect(recorded).to.deep.include({ ...event, stream, revision: 0, position });
        // A server's clock is its own.
        expect(recorded?.recordedAt).to.be.within(before - 60_000, Date.now() + 60_000);
        if (said !== undefined) expect(recorded?.recordedAt).to.equal(said);
      });

      it('keeps any text as it is', async () => {
        const text = 'ğüşıöç İ 漢字 👩🏽‍🚀 e\u0301 \u0000 \u2028 \u{10FFFF} \\ " \ud800 </script>';
        const named = `${stream}-ışık 漢字 👩🏽‍🚀`;
        await store.append(named, [someEvent({ text, [text]: 1 })], 'no_stream');
        const [recorded] = await store.readStream(named);
        expect(recorded?.data).to.deep.equal({ text, [text]: 1 });
        expect(recorded?.stream).to.equal(named);
      });

      it('keeps events as large as they may be', async () => {
        const events = Array.from({ length: 4 }, (_, n) =>
          someEvent({ text: String.fromCharCode(97 + n).repeat(65_000) }),
        );
        await store.append(stream, events, 'no_stream');
        expect((await store.readStream(stream)).map(({ data }) => data)).to.deep.equal(events.map(({ data }) => data));
      });

      it('refuses more than 64 KiB of JSON, counted in bytes', async () => {
        const sized = (text: string) => ({ ...someEvent(), data: { text } });
        const { data, metadata } = sized('');
        const room = 65_536 - Buffer.byteLength(JSON.stringify(data) + JSON.stringify(metadata));
        await store.append(stream, [sized('x'.repeat(room))], 'no_stream');
        await refusal(EventTooLarge, store.append(stream, [sized('x'.repeat(room + 1))], 0));
        await refusal(EventTooLarge, store.append(stream, [sized('ğ'.repeat(room / 2 + 1))], 0));
        expect(await store.readStream(stream)).to.have.length(1);
      });

      it('refuses what no log can hold', async () => {
        const twice = someEvent();
        await refusal(EventRefused, store.append(stream, [], 'any'));
        await refusal(EventRefused, store.append('', [someEvent()], 'any'));
        await refusal(EventRefused, store.append(stream, [someEvent({}, { id: 'not-a-uuid' })], 'any'));
        await refusal(EventRefused, store.append(stream, [twice, twice], 'any'));
        await refusal(EventRefused, store.append(stream, [someEvent({ n: 1n })], 'any'));
        await refusal(EventRefused, store.append(stream, [someEvent()], -1));
        await refusal(EventRefused, store.append(stream, [someEvent()], 0.5));
        expect(await store.readStream(stream)).to.deep.equal([]);
      });
    });

    describe('expected revision', () => {
      it('no_stream wants no stream', async () => {
        await append(someEvents(2), 'no_stream');
        const error = await refused(someEvents(1), 'no_stream');
        expect(error).to.include({ stream, expected: 'no_stream', actual: 1, code: 'wrong-expected-revision' });
      });

      it('stream_exists wants a stream', async () => {
        expect((await refused(someEvents(1), 'stream_exists')).actual).to.equal(undefined);
        await append(someEvents(1), 'no_stream');
        expect((await append(someEvents(1), 'stream_exists'))[0]).to.equal(1);
      });

      it('any takes both', async () => {
        expect((await append(someEvents(1), 'any'))[0]).to.equal(0);
        expect((await append(someEvents(1), 'any'))[0]).to.equal(1);
      });

      it('a number is the last revision, neither an older nor a later one', async () => {
        expect((await refused(someEvents(1), 0)).actual).to.equal(undefined);
        await append(someEvents(3), 'no_stream');
        expect((await refused(someEvents(1), 1)).actual).to.equal(2);
        expect((await refused(someEvents(1), 3)).actual).to.equal(2);
        expect((await append(someEvents(1), 2))[0]).to.equal(3);
      });

      it('a refused append leaves nothing behind', async () => {
        await append(someEvents(1), 'no_stream');
        const head = await store.head();
        await refused(someEvents(5), 4);
        expect(await store.readStream(stream)).to.have.length(1);
        expect((await store.readAll(head, 1_000)).filter((event) => event.stream === stream)).to.deep.equal([]);
      });
    });

    describe('idempotence', () => {
      it('answers a repeat at the same place as the first time, also after later appends', async () => {
        const [first, second] = [someEvents(2), someEvents(3)];
        const created = await append(first, 'no_stream');
        expect(await append(first, 'no_stream')).to.deep.equal(created);
        const grown = await append(second, 1);
        await append(someEvents(1), 4);
        expect(await append(first, 'no_stream')).to.deep.equal(created);
        expect(await append(second, 1)).to.deep.equal(grown);
        expect(await store.readStream(stream)).to.have.length(6);
      });

      it('compares ids only', async () => {
        const event = someEvent({ said: 'first' });
        const created = await append([event], 'no_stream');
        expect(await append([{ ...event, data: { said: 'then' } }], 'no_stream')).to.deep.equal(created);
        expect((await store.readStream(stream))[0]?.data).to.deep.equal({ said: 'first' });
      });

      it('takes a beginning of what was written for a repeat of its own', async () => {
        const events = someEvents(3);
        await append(events, 'no_stream');
        expect(await append(events.slice(0, 2), 'no_stream')).to.deep.equal([1, await positionOf(1)]);
      });

      it('refuses ids that are equal only in part', async () => {
        const [a, b, c] = someEvents(3) as [NewEvent, NewEvent, NewEvent];
        await append([a, b], 'no_stream');
        expect((await refused([a, c], 'no_stream')).actual).to.equal(1);
        expect((await refused([c, b], 'no_stream')).actual).to.equal(1);
        expect((await refused([a, b, c], 'no_stream')).actual).to.equal(1);
        expect((await refused([b, a], 'no_stream')).actual).to.equal(1);
        expect((await refused([b, c], 0)).actual).to.equal(1);
        expect((await refused([a, c], 'any')).actual).to.equal(1);
        expect(await store.readStream(stream)).to.have.length(2);
      });

      it('refuses a repeat at another place', async () => {
        const event = someEvent();
        await append([...someEvents(2), event, someEvent()], 'no_stream');
        expect((await refused([event], 'no_stream')).actual).to.equal(3);
        expect((await refused([event], 0)).actual).to.equal(3);
        expect((await append([event], 1))[0]).to.equal(2);
      });

      it('knows a recent repeat with any and stream_exists', async () => {
        const events = someEvents(2);
        const created = await append(events, 'any');
        await append(someEvents(1), 1);
        expect(await append(events, 'any')).to.deep.equal(created);
        expect(await append(events, 'stream_exists')).to.deep.equal(created);
        expect(await store.readStream(stream)).to.have.length(3);
      });

      it('appends at the present revision even an id written before', async () => {
        const event = someEvent();
        await append([event], 'no_stream');
        expect((await append([event], 0))[0]).to.equal(1);
        expect(idsOf(await store.readStream(stream))).to.deep.equal([event.id, event.id]);
      });

      it('knows ids by stream: another stream may carry the same', async () => {
        const event = someEvent();
        await append([event], 'no_stream');
        expect((await store.append(`${stream}-other`, [event], 'no_stream')).revision).to.equal(0);
      });

      it('writes once what many append at once', async () => {
        const events = someEvents(2);
        for (const expected of ['no_stream', 1, 'any'] as const) {
          const ids = events.map((event) => ({ ...event, id: v4() }));
          const answers = await Promise.all(Array.from({ length: 16 }, () => append(ids, expected)));
          expect(new Set(answers.map(String)).size).to.equal(1);
        }
        expect(await store.readStream(stream)).to.have.length(6);
      });
    });

    describe('concurrency', () => {
      it('lets exactly one of 64 writers win each revision', async () => {
        await append(someEvents(1), 'no_stream');
        for (let revision = 0; revision < 20; revision += 1) {
          const attempts = Array.from({ length: 64 }, () => store.append(stream, [someEvent()], revision));
          const settled = await Promise.allSettled(attempts);
          const won = settled.filter(({ status }) => status === 'fulfilled');
          const lost = settled.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
          expect(won).to.have.length(1);
          for (const error of lost) expect(error).to.be.instanceOf(WrongExpectedRevision);
          expect(new Set(lost.map((error) => (error as WrongExpectedRevision).actual))).to.deep.equal(
            new Set([revision + 1]),
          );
        }
        const revisions = (await store.readStream(stream)).map(({ revision }) => revision);
        expect(revisions).to.deep.equal(Array.from({ length: 21 }, (_, revision) => revision));
      });

      it('keeps each append whole and each stream in order', async () => {
        const appended = Array.from({ length: 200 }, () => someEvents(3));
        await Promise.all(appended.map((events, n) => store.append(`${stream}-${n % 5}`, events, 'any')));
        for (let n = 0; n < 5; n += 1) {
          const ids = idsOf(await store.readStream(`${stream}-${n}`));
          const mine = appended.filter((_, place) => place % 5 === n).map((events) => idsOf(events).join());
          const found = Array.from({ length: ids.length / 3 }, (_, place) =>
            ids.slice(place * 3, place * 3 + 3).join(),
          );
          expect(found.toSorted()).to.deep.equal(mine.toSorted());
        }
      });

      it('reads what was appended as soon as it is acknowledged', async () => {
        const numbers = Array.from({ length: 50 }, (_, n) => n);
        await Promise.all(
          numbers.map(async (n) => {
            const first = await store.append(`${stream}-${n}`, [someEvent({ n })], 'no_stream');
            const { position } = await store.append(`${stream}-${n}`, [someEvent({ n })], 0);
            const [, found] = await store.readStream(`${stream}-${n}`);
            const next = await firstOf(store, first.position, `${stream}-${n}`);
            expect([found?.position, next?.position]).to.deep.equal([position, position]);
            expect((await store.head()) >= position).to.equal(true);
          }),
        );
      });
    });

    describe('reading a stream', () => {
      const length = 1_050;
      let ids: string[];
      let long: string;
      before(async () => {
        long = `test-${v4()}`;
        const events = someEvents(length);
        ids = idsOf(events);
        for (let from = 0; from < length; from += 150) {
          await store.append(long, events.slice(from, from + 150), from === 0 ? 'no_stream' : from - 1);
        }
      });

      it('finds nothing in a stream that does not exist', async () => {
        expect(await store.readStream(stream)).to.deep.equal([]);
        expect(await store.readStream(stream, { backwards: true })).to.deep.equal([]);
      });

      it('reads the first thousand by default, and as many as asked', async () => {
        expect(idsOf(await store.readStream(long))).to.deep.equal(ids.slice(0, 1_000));
        expect(idsOf(await store.readStream(long, { limit: 2_000 }))).to.deep.equal(ids);
        expect(await store.readStream(long, { limit: 0 })).to.deep.equal([]);
      });

      it('reads from a revision on', async () => {
        expect(idsOf(await store.readStream(long, { from: 3, limit: 2 }))).to.deep.equal(ids.slice(3, 5));
        expect(idsOf(await store.readStream(long, { from: 1_040 }))).to.deep.equal(ids.slice(1_040));
        expect(await store.readStream(long, { from: length })).to.deep.equal([]);
      });

      it('reads backwards', async () => {
        const newest = ids.toReversed();
        const read = (options: { from?: number; limit?: number }) =>
          store.readStream(long, { ...options, backwards: true }).then(idsOf);
        expect(await read({ limit: 1 })).to.deep.equal(newest.slice(0, 1));
        expect(await read({})).to.deep.equal(newest.slice(0, 1_000));
        expect(await read({ from: 2 })).to.deep.equal(ids.slice(0, 3).toReversed());
        expect(await read({ from: 700, limit: 600 })).to.deep.equal(ids.slice(101, 701).toReversed());
      });
    });

    describe('reading the log', () => {
      it('has every event once, positions strictly increasing', async () => {
        const after = await store.head();
        const appended = Array.from({ length: 700 }, (_, n) => someEvent({ n }));
        await Promise.all(appended.map((event, n) => store.append(`${stream}-${n % 100}`, [event], 'any')));
        const read = await readToEnd(store, after);
        const positions = read.map(({ position }) => position);
        expect(
          positions.every((position, n) => typeof position === 'bigint' && position > (positions[n - 1] ?? after)),
        ).to.equal(true);
        expect(mineOf(read).toSorted()).to.deep.equal(idsOf(appended).toSorted());
        const head = await store.head();
        expect(head >= (positions.at(-1) ?? 0n)).to.equal(true);
        expect(mineOf(await store.readAll(head, 10))).to.deep.equal([]);
      });

      it('goes on from any position, at most as many as asked', async () => {
        const after = await store.head();
        await append(someEvents(600), 'no_stream');
        const all = await readToEnd(store, after);
        expect(mineOf(all)).to.have.length(600);
        for (const [from, limit] of [
          [0, 1],
          [5, 300],
          [299, 257],
          [595, 4],
        ] as const) {
          const found = await store.readAll(all[from]?.position ?? 0n, limit);
          expect(found).to.deep.equal(all.slice(from + 1, from + 1 + limit));
        }
        const last = all.findLast(isMine)?.position ?? 0n;
        expect(mineOf(await store.readAll(last, 10))).to.deep.equal([]);
      });

      it('knows the generation of the log', () => {
        expect(store.generation).to.match(/\S/);
      });
    });

    describe('subscribing', () => {
      it('catches up and stays live without gap or duplicate while writes go on', async () => {
        const after = await store.head();
        const write = (count: number) =>
          Promise.all(
            Array.from({ length: count }, (_, n) =>
              store.append(`${stream}-${n % 23}`, someEvents(1 + (n % 3)), 'any'),
            ),
          );
        await write(200);
        const abort = new AbortController();
        const subscribers = [after, after, await store.head()].map((from) => collect(store, from, abort, isMine));
        await Promise.all([write(120), write(120), write(120)]);
        await Promise.all(subscribers.map(({ reaches }) => store.head().then(reaches)));
        abort.abort();
        const seen = await Promise.all(subscribers.map(({ done }) => done));
        const log = mineOf(await readToEnd(store, after));
        expect(seen[0]).to.deep.equal(log);
        expect(seen[1]).to.deep.equal(log);
        expect(seen[2]).to.deep.equal(log.slice(-(seen[2]?.length ?? 0)));
        expect(seen[2]).to.have.length.greaterThan(0);
      });

      it('sees an event soon after it was appended', async () => {
        const abort = new AbortController();
        const { reaches, done } = collect(store, await store.head(), abort, isMine);
        for (let n = 0; n < 20; n += 1) await reaches((await store.append(stream, [someEvent({ n })], 'any')).position);
        abort.abort();
        expect(await done).to.deep.equal(idsOf(await store.readStream(stream)));
      });

      it('gives chunks of at most a thousand', async () => {
        const after = await store.head();
        for (let n = 0; n < 8; n += 1) await append(someEvents(300), 'any');
        const abort = new AbortController();
        const lengths: number[] = [];
        for await (const chunk of store.subscribeAll(after, abort.signal)) {
          lengths.push(chunk.length);
          if (lengths.reduce((sum, length) => sum + length) >= 2_400) break;
        }
        expect(Math.max(...lengths)).to.be.at.most(1_000);
        expect(Math.min(...lengths)).to.be.at.least(1);
      });

      it('may leave out others’ events where some are asked for, and tells then how far it has read', async () => {
        const after = await store.head();
        const other = `other-${v4()}`;
        await append(someEvents(2), 'no_stream');
        await store.append(other, someEvents(3), 'no_stream');
        await append(someEvents(1), 1);
        const { position: last } = await store.append(other, someEvents(1), 2);
        const abort = new AbortController();
        const mine: RecordedEvent[] = [];
        let reached = after;
        const reach = (position: bigint) => {
          expect(position > reached, `${position} after ${reached}`).to.equal(true);
          reached = position;
          if (reached >= last) abort.abort();
        };
        const choice = { only: new Set(['test']), passed: reach };
        for await (const chunk of store.subscribeAll(after, abort.signal, choice)) {
          expect(chunk).not.to.deep.equal([]);
          mine.push(...chunk.filter(isMine));
          for (const { position } of chunk) reach(position);
        }
        expect(mine.map(({ revision }) => revision)).to.deep.equal([0, 1, 2]);
        expect(reached >= last).to.equal(true);
      });

      it('ends when the signal aborts: before, while it waits, while it delivers', async () => {
        const after = await store.head();
        expect(await collect(store, after, abortedAlready(), isMine).done).to.deep.equal([]);
        const waiting = new AbortController();
        const { done } = collect(store, after, waiting, isMine);
        setImmediate(() => waiting.abort());
        expect(await done).to.deep.equal([]);
        await append(someEvents(3), 'no_stream');
        const delivering = new AbortController();
        let chunks = 0;
        for await (const _ of store.subscribeAll(after, delivering.signal)) {
          chunks += 1;
          delivering.abort();
        }
        expect(chunks).to.equal(1);
      });
    });

    it('follows the model of its rules, whatever is appended in whatever order', async function () {
      this.timeout(120_000);
      const ids = Array.from({ length: 5 }, () => v4());
      const expected = fc.oneof(
        fc.constantFrom<ExpectedRevision>('no_stream', 'stream_exists', 'any'),
        fc.integer({ min: 0, max: 6 }),
      );
      const attempt = fc.record({
        stream: fc.integer({ min: 0, max: 2 }),
        ids: fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1, maxLength: 3 }),
        expected,
        // Or the number that just now is right.
        fitting: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(attempt, { maxLength: 40 }), async (attempts) => {
          const prefix = `test-${v4()}`;
          // In a stream one after the other, the streams side by side.
          const perStream = [0, 1, 2].map((n) => attempts.filter((attempt) => attempt.stream === n));
          await Promise.all(perStream.map((mine, n) => followModel(store, `${prefix}-${n}`, mine)));
        }),
        { numRuns: runs },
      );
    });
  });
}

interface Attempt {
  readonly ids: readonly string[];
  readonly expected: ExpectedRevision;
  readonly fitting: boolean;
}

async function followModel(store: EventStore, stream: string, attempts: readonly Attempt[]): Promise<void> {
  let model: StreamModel = [];
  // The same id in another stream is another event, as an id is derived from what its event says.
  const idHere = new Map<string, string>();
  for (const { ids, expected, fitting } of attempts) {
    const mine = ids.map((id) => idHere.get(id) ?? idHere.set(id, v4()).get(id) ?? id);
    const at = fitting && model.length > 0 ? model.length - 1 : expected;
    const events = mine.map((id) => someEvent({ at }, { id }));
    const answer = modelAppend(model, mine, at);
    if (answer.kind === 'refused') {
      const error = await refusal(WrongExpectedRevision, store.append(stream, events, at));
      expect(error.actual).to.equal(answer.actual);
    } else {
      if (answer.kind === 'appended') model = answer.stream;
      const { revision, position } = await store.append(stream, events, at);
      const [found] = await store.readStream(stream, { from: revision, limit: 1 });
      expect([revision, position]).to.deep.equal([answer.revision, found?.position]);
    }
    const read = await store.readStream(stream);
    expect(idsOf(read)).to.deep.equal(model);
  }
}

async function readToEnd(store: EventStore, after: bigint): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const page = await store.readAll(events.at(-1)?.position ?? after, 256);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** The first event of a stream in the log after this position. */
async function firstOf(store: EventStore, after: bigint, stream: string): Promise<RecordedEvent | undefined> {
  for (let from = after; ;) {
    const page = await store.readAll(from, 32);
    const found = page.find((event) => event.stream === stream);
    if (found || page.length === 0) return found;
    from = page.at(-1)?.position ?? from;
  }
}

/** Subscribes until aborted, and keeps the ids of `isMine`. `reaches` resolves once it has seen that position. */
function collect(
  store: EventStore,
  after: bigint,
  { signal }: AbortController,
  isMine: (event: RecordedEvent) => boolean,
) {
  const waiting: { position: bigint; resolve: () => void }[] = [];
  let last = after;
  async function run(): Promise<string[]> {
    const ids: string[] = [];
    for await (const chunk of store.subscribeAll(after, signal)) {
      ids.push(...idsOf(chunk.filter(isMine)));
      last = chunk.at(-1)?.position ?? last;
      for (const { position, resolve } of waiting) if (position <= last) resolve();
    }
    return ids;
  }
  const reaches = (position: bigint) =>
    new Promise<void>((resolve) => {
      if (position <= last) resolve();
      else waiting.push({ position, resolve });
    });
  return { done: run(), reaches };
}

function abortedAlready(): AbortController {
  const abort = new AbortController();
  abort.abort();
  return abort;
}
