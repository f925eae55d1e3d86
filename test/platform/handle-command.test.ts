import { expect } from 'chai';
import { v4 } from 'uuid';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { AppendOutcomeUnknown, type EventStore, WrongExpectedRevision } from '#platform/event-store/event-store.ts';
import {
  type CommandHandling,
  handleCommand,
  PreconditionFailed,
  type Taken,
} from '#platform/event-store/handle-command.ts';
import type { Decider } from '#platform/event-store/load-state.ts';
import { refusal } from '../support/refusal.ts';
import { someEvent, someEvents } from '../support/some-event.ts';
import { openTemporaryEventStore } from '../support/sqlite-event-store.ts';

interface Counter {
  readonly total: number;
  readonly ids: readonly string[];
  readonly lastAt: number;
}

const counter: Decider<Counter> = {
  initial: { total: 0, ids: [], lastAt: 0 },
  evolve: ({ total, ids }, event: RecordedEvent) => ({
    total: total + ((event.data as { by?: number }).by ?? 1),
    ids: [...ids, event.id],
    lastAt: event.recordedAt,
  }),
};

describe('handle command', () => {
  let store: EventStore;
  let stream: string;
  before(async () => {
    store = await openTemporaryEventStore();
  });
  after(() => store.close());
  beforeEach(() => {
    stream = `counter-${v4()}`;
  });

  async function handle(
    handling: Partial<CommandHandling<Counter>> & Pick<CommandHandling<Counter>, 'decide'>,
  ): Promise<Taken<Counter>> {
    const handled = await handleCommand({ store, stream, decider: counter, ...handling });
    if (handled.outcome === 'refused') throw new Error(`refused: ${handled.reason}`);
    return handled;
  }

  function add(by: number): readonly NewEvent[] {
    return [someEvent({ by })];
  }

  async function folded(): Promise<Counter> {
    return (await store.readStream(stream, { limit: 5_000 })).reduce(counter.evolve, counter.initial);
  }

  /** The store, and what is asked of it. */
  function watched(before: (call: string) => Promise<unknown> = async () => undefined) {
    const calls: string[] = [];
    const asked = (call: string) => {
      calls.push(call);
      return before(call);
    };
    const watching: Pick<EventStore, 'append' | 'readStream'> = {
      append: (...args) => asked('append').then(() => store.append(...args)),
      readStream: (...args) => asked('read').then(() => store.readStream(...args)),
    };
    return { calls, store: watching };
  }

  it('decides on what the stream says and appends after it', async () => {
    const first = await handle({ decide: () => add(5) });
    expect(first).to.include({ revision: 0, outcome: 'appended' });
    const second = await handle({ decide: ({ total }) => add(total * 2) });
    expect(second.state.total).to.equal(15);
    expect(second.state).to.deep.equal(await folded());
    expect((await store.readStream(stream)).at(-1)).to.include({
      revision: second.revision,
      position: second.position,
    });
  });

  it('answers with the exact state after several events', async () => {
    await handle({ decide: () => add(1) });
    const { state, revision, position } = await handle({ decide: () => [...add(2), ...add(3), ...add(4)] });
    expect(state).to.deep.equal(await folded());
    expect({ revision, position }).to.deep.equal({ revision: 3, position: await store.head() });
  });

  it('answers where the stream is when there is nothing to do', async () => {
    const absent = await handle({ decide: () => [] });
    const { initial } = counter;
    expect(absent).to.deep.equal({
      outcome: 'unchanged',
      before: initial,
      state: initial,
      revision: -1,
      position: 0n,
    });
    const { position } = await handle({ decide: () => add(1) });
    await store.append(`${stream}-other`, someEvents(1), 'any');
    const { state, before, ...at } = await handle({ decide: () => [] });
    expect(at).to.deep.equal({ outcome: 'unchanged', revision: 0, position });
    expect(before).to.equal(state);
    expect(state).to.deep.equal(await folded());
  });

  it('reads streams longer than a page', async () => {
    for (let n = 0; n < 6; n += 1) await store.append(stream, someEvents(250), 'any');
    expect((await handle({ decide: ({ total }) => add(total) })).state.total).to.equal(3_000);
  });

  it('decides again after a conflict, on what is there by then', async () => {
    let conflicts = 2;
    const { calls, store: racing } = watched(async (call) => {
      if (call === 'append' && conflicts-- > 0) await store.append(stream, add(10), 'any');
    });
    const seen: number[] = [];
    const decide = ({ total }: Counter) => {
      seen.push(total);
      return add(1);
    };
    const { state, revision } = await handle({ store: racing, decide });
    expect(seen).to.deep.equal([0, 10, 20]);
    expect({ total: state.total, revision }).to.deep.equal({ total: 21, revision: 2 });
    expect(calls).to.deep.equal(['read', 'append', 'read', 'append', 'read', 'append']);
  });

  it('gives a conflict up after so many appends, and passes other errors on at once', async () => {
    const contended = watched(async (call) => call === 'append' && (await store.append(stream, add(1), 'any')));
    await refusal(WrongExpectedRevision, handle({ store: contended.store, decide: () => add(1), attempts: 3 }));
    expect(contended.calls.filter((call) => call === 'append')).to.have.length(3);
    const failing = watched(async (call) => {
      if (call === 'append') throw new AppendOutcomeUnknown('lost');
    });
    await refusal(AppendOutcomeUnknown, handle({ store: failing.store, decide: () => add(1) }));
    expect(failing.calls).to.deep.equal(['read', 'append']);
  });

  it('loses none of many commands at once', async () => {
    const commands = Array.from({ length: 24 }, () => handle({ decide: () => add(1), attempts: 100 }));
    const revisions = (await Promise.all(commands)).map(({ revision }) => revision);
    expect(revisions.toSorted((a, b) => a - b)).to.deep.equal(revisions.map((_, n) => n));
    expect((await folded()).total).to.equal(24);
  });

  it('passes on what decide throws and appends nothing', async () => {
    const decide = () => {
      throw new RangeError('not allowed');
    };
    await refusal(RangeError, handle({ decide }));
    expect(await store.readStream(stream)).to.deep.equal([]);
  });

  describe('with an expected revision', () => {
    it('appends only if the stream is there', async () => {
      await handle({ decide: () => add(1) });
      expect((await handle({ expected: 0, decide: () => add(1) })).revision).to.equal(1);
      const error = await refusal(PreconditionFailed, handle({ expected: 0, decide: () => add(1) }));
      expect(error).to.include({ stream, expected: 0, actual: 1, code: 'precondition-failed' });
      const absent = await refusal(
        PreconditionFailed,
        handle({ stream: `${stream}-none`, expected: 0, create: true, decide: () => add(1) }),
      );
      expect(absent.actual).to.equal(undefined);
    });

    it('fails rather than tries again when it loses a race', async () => {
      await handle({ decide: () => add(1) });
      const racing = watched(async (call) => call === 'append' && (await store.append(stream, add(10), 'any')));
      const error = await refusal(
        PreconditionFailed,
        handle({ store: racing.store, expected: 0, decide: () => add(1) }),
      );
      expect(error.actual).to.equal(1);
      expect((await folded()).total).to.equal(11);
    });
  });

  describe('creating a stream', () => {
    it('appends without reading, and still answers as the log has it', async () => {
      const { calls, store: counting } = watched();
      const { state, revision, position } = await handle({ store: counting, create: true, decide: () => add(3) });
      expect(calls).to.deep.equal(['append']);
      expect(state).to.deep.equal(await folded());
      expect({ revision, position }).to.deep.equal({ revision: 0, position: await store.head() });
    });

    it('answers a repeat as the first time', async () => {
      const events = add(3);
      const first = await handle({ create: true, decide: () => events });
      await handle({ decide: () => add(1) });
      expect(await handle({ create: true, decide: () => events })).to.deep.equal(first);
      expect((await folded()).total).to.equal(4);
    });

    it('lets decide see a stream that another command made', async () => {
      await handle({ create: true, decide: () => add(7) });
      const decide = ({ total }: Counter) => (total === 0 ? add(1) : []);
      const joined = await handle({ create: true, decide });
      expect(joined).to.include({ revision: 0, outcome: 'unchanged' });
      expect(joined.state).to.deep.equal(await folded());
    });

    it('loads the stream before it answers that there is nothing to do', async () => {
      await handle({ decide: () => add(7) });
      const { state, outcome } = await handle({ create: true, decide: ({ total }) => (total === 7 ? add(1) : []) });
      expect({ total: state.total, outcome }).to.deep.equal({ total: 8, outcome: 'appended' });
    });
  });

  describe('with a command that may be sent again', () => {
    const command = (commandId: string) => ({ commandId, eventId: v4() });
    const eventOf = ({ commandId, eventId }: ReturnType<typeof command>, by: number) => {
      const event = someEvent({ by });
      return { ...event, id: eventId, metadata: { ...event.metadata, $causationId: commandId } };
    };

    it('answers a repeat as the first time, whatever has happened since, and decides nothing', async () => {
      const asked = command('c1');
      await handle({ decide: () => add(1) });
      const first = await handle({ command: asked, decide: () => [eventOf(asked, 5), { ...add(2)[0]!, id: v4() }] });
      await handle({ decide: () => add(10) });
      const { outcome, before, ...again } = await handle({
        command: asked,
        expected: 99,
        decide: () => {
          throw new Error('decided again');
        },
      });
      expect(outcome).to.equal('replayed');
      expect(before).to.deep.equal(first.before);
      // Its second event names no command of its own: the state is the one after its first.
      expect(again.state.total).to.equal(6);
      expect(again.revision).to.equal(1);
    });

    it('answers with the state after all events of a command', async () => {
      const asked = command('c1');
      const both = [eventOf(asked, 5), { ...eventOf(asked, 2), id: v4() }];
      const first = await handle({ command: asked, decide: () => both });
      const again = await handle({ command: asked, decide: () => add(1) });
      expect(again).to.deep.equal({ ...first, outcome: 'replayed' });
    });

    it('refuses another payload under the same key, with the state as it is', async () => {
      const asked = command('c1');
      await handle({ command: asked, decide: () => [eventOf(asked, 5)] });
      const reused = await handleCommand({
        store,
        stream,
        decider: counter,
        command: command('c1'),
        decide: () => add(1),
      });
      expect(reused).to.deep.include({ outcome: 'refused', reason: 'idempotency-key-reused', revision: 0 });
    });

    it('reads once for a stream that it creates, and not at all without a key', async () => {
      const asked = command('c1');
      const { calls, store: counting } = watched();
      await handle({ store: counting, command: asked, create: true, decide: () => [eventOf(asked, 5)] });
      expect(calls).to.deep.equal(['read', 'append']);
    });

    it('joins the first where two race, and refuses the one with another payload', async () => {
      const [one, other] = [command('c1'), command('c1')];
      let others = 1;
      const { store: racing } = watched(async (call) => {
        if (call === 'append' && others-- > 0) await store.append(stream, [eventOf(one, 5)], 'any');
      });
      const decide = () => [eventOf(other, 7)];
      const lost = await handleCommand({
        store: racing,
        stream,
        decider: counter,
        command: other,
        create: true,
        decide,
      });
      expect(lost).to.deep.include({ outcome: 'refused', reason: 'idempotency-key-reused' });
      expect((await folded()).total).to.equal(5);
    });

    it('remembers the last hundred', async () => {
      const commands = Array.from({ length: 101 }, (_, n) => command(`c${n}`));
      for (const one of commands) await handle({ command: one, decide: () => [eventOf(one, 1)] });
      const outcomes = [0, 1, 100].map((n) => handle({ command: commands[n], decide: () => [] }));
      expect((await Promise.all(outcomes)).map(({ outcome }) => outcome)).to.deep.equal([
        'unchanged',
        'replayed',
        'replayed',
      ]);
    });
  });

  it('answers with the reason for which the decider refuses, and appends nothing', async () => {
    await handle({ decide: () => add(1) });
    const decide = async ({ total }: Counter) => (total > 0 ? ('too-much' as const) : add(1));
    const refused = await handleCommand({ store, stream, decider: counter, decide });
    expect(refused).to.deep.include({ outcome: 'refused', reason: 'too-much', revision: 0 });
    expect((await folded()).total).to.equal(1);
  });
});
