import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import type { AdversarialOptions } from '#platform/bus/adversarial-order.ts';
import { type DeadLetter, findDeadLetter } from '#platform/bus/dead-letter-rows.ts';
import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import type { LetterRequest } from '#platform/bus/letter-requests.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import { finalError, transientError } from '#platform/errors.ts';
import { type EventStore, LogIsNewer } from '#platform/event-store/event-store.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { startWorker, type WorkerPatience } from '#platform/worker/start-worker.ts';
import { eventually } from '../support/eventually.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { numberedEvent, testTopicOf } from '../support/numbered-events.ts';
import { createQuietLog } from '../support/quiet-log.ts';

class Refused extends finalError('refused') {}
class Away extends transientError('away') {}

const GROUP = 'errands';

describe('a worker', () => {
  let store: EventStore;
  let readStore: ReadStore;
  let requests: LetterRequest[];
  let told: DeadLetter[];
  let ringing: () => void;
  const running: { stop(): Promise<void> }[] = [];
  beforeEach(() => {
    store = createMemoryEventStore(() => 1);
    readStore = createMemoryReadStore();
    requests = [];
    told = [];
    ringing = () => undefined;
  });
  afterEach(async () => {
    for (let last = running.pop(); last; last = running.pop()) await last.stop();
  });

  const append = (stream: string, number: number, type?: string) =>
    store.append(stream, [numberedEvent(number, type)], 'any');
  const named = ({ stream, revision }: RecordedEvent) => `${stream}:${revision}`;
  const letterOf = (stream: string) => findDeadLetter(readStore, GROUP, stream);

  interface Run {
    readonly work: (event: RecordedEvent) => Promise<void>;
    readonly patience?: Partial<WorkerPatience>;
    readonly mode?: AdversarialOptions;
  }

  async function start({ work, patience, mode }: Run) {
    const log = createQuietLog();
    const checkpoints = checkpointsInReadStore(readStore);
    const bus = openLogBus({ store, topicOf: testTopicOf, partitions: 4, checkpoints, log, ...(mode && { mode }) });
    const seen = { done: 0, retried: 0, parked: 0 };
    const worker = await startWorker({
      group: GROUP,
      topics: ['test.alpha'],
      bus,
      store,
      readStore,
      topicOf: testTopicOf,
      concerns: ({ type }) => type === 'Counted',
      work,
      letterRequests: {
        since: async (request) => requests.filter((one) => one.request > request),
        onNews(listener) {
          ringing = listener;
          return () => undefined;
        },
      },
      letterReports: { tell: (letter) => void told.push(letter) },
      now: Date.now,
      log,
      patience: { firstPauseMs: 1, longestPauseMs: 5, ...patience },
      observe: {
        done: () => void seen.done++,
        retried: () => void seen.retried++,
        parked: () => void seen.parked++,
      },
    });
    const stop = async () => {
      await worker.stop();
      await bus.close();
    };
    const one = { ...worker, log, seen, stop };
    running.push(one);
    return one;
  }

  const settled = ({ lag }: { readonly lag: () => Promise<number> }) =>
    eventually(async () => expect(await lag()).to.equal(0), 20_000);

  it('does the work of each event that is work, and after a new start only what is new', async () => {
    for (let number = 0; number < 50; number++) await append(`alpha-${number % 7}`, number);
    await append('alpha-1', 0, 'Ignored');
    await append('beta-1', 0);
    const did: string[] = [];
    const work = async (event: RecordedEvent) => void did.push(named(event));
    const first = await start({ work });
    await settled(first);
    expect(new Set(did).size).to.equal(50);
    expect(did).to.have.length(50);
    await first.stop();
    await append('alpha-1', 50);
    await settled(await start({ work }));
    expect(did.slice(50)).to.have.length(1);
  });

  it('works on some at once, and on no more', async () => {
    for (let number = 0; number < 40; number++) await append(`alpha-${number}`, number);
    let [now, most] = [0, 0];
    const worker = await start({
      async work() {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 2));
        now--;
      },
    });
    await settled(worker);
    expect(most).to.equal(8);
  });

  it('tries again what may pass, and lets nothing else wait for it', async () => {
    let away = true;
    const did: string[] = [];
    const worker = await start({
      async work(event) {
        if (event.stream === 'alpha-1' && away) throw new Away('not now');
        did.push(named(event));
      },
      patience: { attempts: 2 },
    });
    await append('alpha-1', 1);
    for (let number = 0; number < 30; number++) await append('alpha-2', number);
    await eventually(() => expect(did).to.have.length(30));
    await eventually(() => expect(worker.seen.retried).to.be.greaterThan(3));
    away = false;
    await settled(worker);
    expect(did.at(-1)).to.equal('alpha-1:0');
    expect(worker.seen).to.include({ done: 31, parked: 0 });
  });

  it('parks what is refused for good at once, with the reason, and goes on with the stream', async () => {
    const did: string[] = [];
    const worker = await start({
      async work(event) {
        if (event.revision === 1) throw new Refused('nobody lives there');
        did.push(named(event));
      },
    });
    for (let number = 0; number < 3; number++) await append('alpha-1', number);
    await settled(worker);
    expect(did).to.have.members(['alpha-1:0', 'alpha-1:2']);
    expect(await letterOf('alpha-1')).to.include({ revision: 1, error: 'nobody lives there', attempts: 1 });
    expect(worker.seen).to.deep.equal({ done: 2, retried: 0, parked: 1 });
    const ofAlpha = { group: GROUP, stream: 'alpha-1', revision: 1 };
    expect(told).to.have.length(1);
    expect(told[0]).to.include(ofAlpha);
    // Who told may have died before it was in the log.
    await worker.stop();
    told = [];
    await settled(await start({ work: async () => undefined }));
    expect(told).to.have.length(1);
    expect(told[0]).to.include(ofAlpha);
  });

  it('parks what fails without saying why after a few tries, and what never passes when its time is over', async () => {
    const worker = await start({
      work({ stream }) {
        throw stream === 'alpha-1' ? new TypeError('a fault of ours') : new Away('never');
      },
      patience: { attempts: 4, giveUpAfterMs: 50 },
    });
    await append('alpha-1', 1);
    await append('alpha-2', 1);
    await settled(worker);
    expect(await letterOf('alpha-1')).to.include({ error: 'a fault of ours', attempts: 4 });
    expect(await letterOf('alpha-2')).to.include({ error: 'never' });
    expect(worker.seen.parked).to.equal(2);
  });

  it('takes a parked event up again as an administrator asks, that one alone; or gives it up', async () => {
    let open = false;
    const tried: string[] = [];
    const work = async (event: RecordedEvent) => {
      tried.push(named(event));
      if (event.revision === 0 && !open) throw new Refused('closed');
    };
    const worker = await start({ work });
    for (const stream of ['alpha-1', 'alpha-2']) for (const number of [1, 2]) await append(stream, number);
    await settled(worker);
    requests.push({ request: 0, stream: 'alpha-1', revision: 0, kind: 'retry' });
    ringing();
    await eventually(async () => expect(await letterOf('alpha-1')).to.include({ request: 0 }));
    open = true;
    requests.push({ request: 1, stream: 'alpha-1', revision: 0, kind: 'retry' });
    requests.push({ request: 2, stream: 'alpha-2', revision: 0, kind: 'discard' });
    ringing();
    await eventually(async () => expect(await letterOf('alpha-1')).to.equal(undefined));
    await eventually(async () => expect(await letterOf('alpha-2')).to.equal(undefined));
    expect(tried.filter((one) => one === 'alpha-1:0')).to.have.length(3);
    expect(tried.filter((one) => one === 'alpha-2:0')).to.have.length(1);
    expect(tried.filter((one) => one.endsWith(':1'))).to.have.length(2);
  });

  it('begins again after a stop with what it had not done, which a stop does not wait for', async () => {
    await append('alpha-1', 1);
    const first = await start({ work: () => Promise.reject(new Away('not now')), patience: { firstPauseMs: 60_000 } });
    await eventually(() => expect(first.seen.retried).to.equal(1));
    await first.stop();
    const did: string[] = [];
    await settled(await start({ work: async (event) => void did.push(named(event)) }));
    expect(did).to.deep.equal(['alpha-1:0']);
  });

  for (const restart of [false, true])
    it(`does no work twice that the bus brings twice${restart ? ', nor after a start with other events held up' : ''}`, async () => {
      await append('alpha-0', 0);
      for (let number = 1; number < 200; number++) await append(`alpha-${number % 5}`, number);
      const did: string[] = [];
      let [failures, isHeldUp] = [0, restart];
      const run: Run = {
        mode: { seed: 20261128 },
        async work(event) {
          if (isHeldUp && named(event) === 'alpha-0:0') throw new Away('not now');
          if (event.revision % 10 === 3 && ++failures % 2 === 1) throw new Away('not now');
          did.push(named(event));
        },
      };
      const first = await start(run);
      if (restart) {
        await eventually(() => expect(did).to.have.length(199), 20_000);
        await first.stop();
        isHeldUp = false;
        await settled(await start(run));
      } else await settled(first);
      expect(did).to.have.length(200);
      expect(new Set(did).size).to.equal(200);
    });

  it('stops and says so where the log is newer than the program, and parks nothing', async () => {
    const worker = await start({ work: () => Promise.reject(new LogIsNewer('of tomorrow')) });
    await append('alpha-1', 1);
    expect(await worker.failed).to.be.instanceOf(LogIsNewer);
    expect(await letterOf('alpha-1')).to.equal(undefined);
  });
});
