import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import { Interrupted } from '#platform/patience/persist.ts';
import { StartError } from '#platform/errors.ts';
import {
  type EncodedEvent,
  RelayFenced,
  type RelaySession,
  type RelayTarget,
  type RelayTurn,
} from '#platform/relay/relay-target.ts';
import type { RelayedRecord } from '../support/check-relayed.ts';
import { eventually } from '../support/eventually.ts';
import { countedEvent, relayPartitionOf, relayTopicOf } from '../support/relay-language.ts';

/** Within which a commit is shown by every partition. */
const SHOWN_MS = 10_000;

/** What one or more relays share. */
export interface RelayTargetWorld {
  open(): RelayTarget;
  /** What a reader gets, by `<topic>/<partition>`. */
  records(): Promise<ReadonlyMap<string, readonly RelayedRecord[]>>;
  close(): Promise<void>;
}

/** A new, empty world for each test. */
export function relayTargetContract(name: string, openWorld: () => Promise<RelayTargetWorld>): void {
  describe(`relay target: ${name}`, function () {
    this.timeout(60_000);
    const forever = new AbortController().signal;
    const generation = 'one';
    let world: RelayTargetWorld;
    let opened: RelayTarget[];

    beforeEach(async () => {
      world = await openWorld();
      opened = [];
    });

    afterEach(async () => {
      await Promise.all(opened.map((target) => target.close()));
      await world.close();
    });

    function open(): RelayTarget {
      const target = world.open();
      opened.push(target);
      return target;
    }

    async function openTurn(): Promise<{ target: RelayTarget; turn: RelayTurn; session: RelaySession }> {
      const target = open();
      const turn = await target.turn(forever);
      return { target, turn, session: await turn.open() };
    }

    function events(from: number, to: number, text = '', streams = 5): RecordedEvent[] {
      return Array.from({ length: to - from + 1 }, (_, n) => ({
        ...countedEvent(from + n, text),
        stream: `${(from + n) % 2 ? 'alpha' : 'beta'}-${(from + n) % streams}`,
        revision: Math.floor((from + n) / streams),
        position: BigInt(from + n),
        recordedAt: 1_790_000_000_000 + n,
      }));
    }

    const route = (event: RecordedEvent) => {
      const topic = relayTopicOf(event.stream) ?? '';
      return { event, topic, partition: relayPartitionOf(topic, event.stream) };
    };

    const encode = (target: RelayTarget, some: readonly RecordedEvent[]) => target.encode(some.map(route));

    async function write(target: RelayTarget, session: RelaySession, some: readonly RecordedEvent[]): Promise<void> {
      const position = some.at(-1)?.position ?? 0n;
      await session.write(await encode(target, some), { position, generation });
    }

    /** A commit is acknowledged before every partition shows it. */
    async function expectWritten(...all: readonly RecordedEvent[]): Promise<void> {
      const expected: Record<string, string[]> = {};
      for (const event of all) {
        const { topic, partition } = route(event);
        (expected[`${topic}/${partition}`] ??= []).push(event.id);
      }
      await eventually(async () => {
        const found = [...(await world.records())].map(
          ([place, records]) => [place, records.map(({ id }) => id)] as const,
        );
        expect(Object.fromEntries(found.filter(([, ids]) => ids.length > 0))).to.deep.equal(expected);
      }, SHOWN_MS);
    }

    it('has no checkpoint before the first write, and after it what was written last', async () => {
      const { target, turn, session } = await openTurn();
      expect(session.checkpoint).to.equal(undefined);
      const [first, second] = [events(1, 30), events(31, 31)];
      await write(target, session, first);
      await write(target, session, second);
      await session.close();
      const again = await turn.open();
      expect(again.checkpoint).to.deep.equal({ position: 31n, generation });
      await expectWritten(...first, ...second);
    });

    it('keeps what an event is', async () => {
      const { target, session } = await openTurn();
      const [event] = events(7, 7, 'ığüşöç 🎈') as [RecordedEvent];
      await write(target, session, [event]);
      const { topic, partition } = route(event);
      await expectWritten(event);
      const [record] = (await world.records()).get(`${topic}/${partition}`) ?? [];
      expect(structuredClone(record)).to.deep.equal(event);
    });

    it('takes a batch as large as its limits say', async () => {
      const { target, session } = await openTurn();
      const { maxEvents, maxPartitionBytes } = target.limits;
      const text = 'x'.repeat(Math.min(20_000, maxPartitionBytes / 4));
      const large: RecordedEvent[] = [];
      let bytes = 0;
      for (let n = 1; large.length < maxEvents; n++) {
        const [event] = events(n, n, text, 1) as [RecordedEvent];
        const one: RecordedEvent = { ...event, stream: 'alpha-1', revision: n };
        const [encoded] = (await encode(target, [one])) as [EncodedEvent];
        if (bytes + encoded.bytes > maxPartitionBytes) break;
        bytes += encoded.bytes;
        large.push(one);
      }
      expect(large.length).to.be.above(2);
      await write(target, session, large);
      await expectWritten(...large);
    });

    it('gives the turn to one at a time, and to the next when it leaves', async () => {
      const { target, turn, session } = await openTurn();
      const second = open();
      let hasTurn = false;
      const secondTurn = second.turn(forever).then((given) => {
        hasTurn = true;
        return given;
      });
      await write(target, session, events(1, 3));
      expect(hasTurn).to.equal(false);
      expect(turn.lost.aborted).to.equal(false);
      await session.close();
      await target.close();
      const next = await (await secondTurn).open();
      expect(next.checkpoint).to.deep.equal({ position: 3n, generation });
    });

    it('leaves the turn with the one that has it when others join', async () => {
      const { target, turn, session } = await openTurn();
      const others = [open(), open(), open()];
      for (const other of others) void other.turn(forever).catch(() => undefined);
      for (let n = 1; n <= 20; n++) await write(target, session, events(n, n));
      expect(turn.lost.aborted).to.equal(false);
      await expectWritten(...events(0, 0).slice(1), ...(await writtenBy(20)));
    });

    /** The ids differ on every call of `events`: here only the positions count. */
    async function writtenBy(count: number): Promise<RecordedEvent[]> {
      let all: RecordedEvent[] = [];
      await eventually(async () => {
        all = ([...(await world.records()).values()].flat() as RecordedEvent[]).sort((a, b) =>
          Number(a.position - b.position),
        );
        expect(all.map(({ position }) => position)).to.deep.equal(
          Array.from({ length: count }, (_, n) => BigInt(n + 1)),
        );
      }, SHOWN_MS);
      return all;
    }

    it('fences an earlier session for good: it writes nothing any more, also while it thinks it has the turn', async () => {
      const { target, turn, session } = await openTurn();
      const [first, stale, second] = [events(1, 5), events(6, 9), events(6, 8)];
      await write(target, session, first);
      const heir = await turn.open();
      expect(heir.checkpoint?.position).to.equal(5n);
      expect(await failure(write(target, session, stale))).to.be.instanceOf(RelayFenced);
      await write(target, heir, second);
      expect(await failure(write(target, session, stale))).to.include({ retriable: true });
      expect((await turn.open()).checkpoint?.position).to.equal(8n);
      await expectWritten(...first, ...second);
    });

    it('opens again after a session was thrown away in the middle of a write, which is done as a whole or not', async () => {
      const { target, turn, session } = await openTurn();
      await write(target, session, events(1, 5));
      const writing = write(target, session, events(6, 3_000));
      writing.catch(() => undefined);
      const heir = await turn.open();
      await Promise.allSettled([writing]);
      // Which of the two it is, the race decides; either way the heir goes on from there, and all is there once.
      if (heir.checkpoint?.position !== 3_000n) await write(target, heir, events(6, 3_000));
      expect((await turn.open()).checkpoint?.position).to.equal(3_000n);
      await writtenBy(3_000);
    });

    it('rejects with Interrupted when the waiting for a turn is given up', async () => {
      await openTurn();
      const giveUp = new AbortController();
      const waiting = open().turn(giveUp.signal);
      giveUp.abort();
      expect(await failure(waiting)).to.be.instanceOf(Interrupted);
    });

    it('writes nothing of a batch that is out of order, and says so for good', async () => {
      const { target, session } = await openTurn();
      const [first, second] = events(1, 2) as [RecordedEvent, RecordedEvent];
      const encoded = await encode(target, [second, first]);
      expect(await failure(session.write(encoded, { position: 2n, generation }))).to.be.instanceOf(StartError);
      await expectWritten();
    });
  });
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}
