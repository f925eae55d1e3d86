import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { EventStoreClosed } from '#platform/event-store/append-room.ts';
import { AppendOutcomeUnknown, type EventStore, EventStoreBusy } from '#platform/event-store/event-store.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { prepareLogFile } from '#platform/event-store/sqlite-log-file.ts';
import { startSqliteLogThreads } from '#platform/event-store/sqlite-log-threads.ts';
import { eventually } from '../support/eventually.ts';
import { refusal } from '../support/refusal.ts';
import { someEvent, someEvents } from '../support/some-event.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function readForEver(store: EventStore): Promise<void> {
  for await (const chunk of store.subscribeAll(0n, new AbortController().signal)) expect(chunk).not.to.deep.equal([]);
}

describe('event store on node:sqlite: threads', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('serves the other threads of the process', async () => {
    const store = await openSqliteEventStore({ folder: folder.path });
    const port = store.connect();
    const thread = new Worker(new URL('../support/event-store-thread.ts', import.meta.url), {
      workerData: { folder: folder.path, port },
      transferList: [port],
    });
    const saw: string[] = [];
    let appended = 0;
    thread.on('message', (message: { saw: string } | { appended: number }) => {
      if ('saw' in message) saw.push(message.saw);
      else appended += 1;
    });
    for (let n = 0; n < 30; n += 1) {
      thread.postMessage({ append: 'shared' });
      await store.append('shared', [someEvent()], 'any');
    }
    await eventually(() => expect([appended, saw.length]).to.deep.equal([30, 60]));
    expect(saw).to.deep.equal((await store.readAll(0n, 100)).map(({ id }) => id));
    thread.postMessage('close');
    await once(thread, 'exit');
    await store.close();
  });

  it('spares a thread the events that none of its readers wants', async () => {
    const store = await openSqliteEventStore({ folder: folder.path });
    await store.append('wanted-1', someEvents(1), 'no_stream');
    const { position: last } = await store.append('other-1', someEvents(5), 'no_stream');
    const readUntil = async (only: ReadonlySet<string> | undefined) => {
      const abort = new AbortController();
      const saw: string[] = [];
      const reached = (position: bigint) => {
        if (position >= last) abort.abort();
      };
      for await (const chunk of store.subscribeAll(0n, abort.signal, { ...(only && { only }), passed: reached })) {
        saw.push(...chunk.map(({ stream }) => stream));
        for (const { position } of chunk) reached(position);
      }
      return saw;
    };
    expect(await readUntil(new Set(['wanted']))).to.deep.equal(['wanted-1']);
    expect(await readUntil(new Set(['want', "it's"]))).to.deep.equal([]);
    // What another reads whole is read once for both.
    expect(
      (await Promise.all([readUntil(undefined), readUntil(new Set(['wanted']))])).map((saw) => saw.length),
    ).to.deep.equal([6, 6]);
    await store.close();
  });

  it('takes in only so many waiting appends', async () => {
    const store = await openSqliteEventStore({ folder: folder.path, maxQueued: 10 });
    const appends = Array.from({ length: 15 }, (_, n) => store.append(`some-${n}`, [someEvent()], 'any'));
    const settled = await Promise.allSettled(appends);
    const errors = settled.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(errors).to.have.length(5);
    for (const error of errors) expect(error).to.be.instanceOf(EventStoreBusy);
    expect(await store.readAll(0n, 100)).to.have.length(10);
    await store.append('some-stream', [someEvent()], 'any');
    await store.close();
  });

  it('finishes what was asked before it closes, and refuses what comes after', async () => {
    const store = await openSqliteEventStore({ folder: folder.path });
    const appends = Promise.all(someEvents(50).map((event, n) => store.append(`some-${n}`, [event], 'no_stream')));
    const dropped = refusal(Error, readForEver(store));
    const closed = store.close();
    await refusal(EventStoreClosed, store.append('some-stream', [someEvent()], 'any'));
    expect(new Set((await appends).map(({ position }) => position)).size).to.equal(50);
    await closed;
    expect((await dropped).message).to.equal('the event store was closed');
    await store.close();
  });

  it('tells that the append thread is lost, to those who wait and to those who come', async () => {
    prepareLogFile(folder.path);
    const threads = await startSqliteLogThreads(folder.path);
    const store = await openSqliteEventStore({ folder: folder.path, port: threads.connect() });
    await store.append('some-stream', [someEvent()], 'any');
    const subscription = store.subscribeAll(await store.head(), new AbortController().signal);
    const dropped = refusal(Error, subscription[Symbol.asyncIterator]().next());
    const unanswered = refusal(AppendOutcomeUnknown, store.append('some-stream', [someEvent()], 'any'));
    await threads.appendThread.terminate();
    await unanswered;
    expect((await threads.failed).message).to.equal('the append thread ended with code 1');
    expect((await store.failed).message).to.equal('the append thread has ended');
    expect((await dropped).message).to.equal('the append thread has ended');
    await refusal(AppendOutcomeUnknown, store.append('some-stream', [someEvent()], 'any'));
    await store.close();
    await threads.close();
  });
});
