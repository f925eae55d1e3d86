import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { openSqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const childFile = new URL('../support/read-store-child.ts', import.meta.url).pathname;
const start = (...parameters: string[]) =>
  spawn(process.execPath, [childFile, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });

/** Resolves with the last number that the child told, once it has ended. */
async function lastTold(child: ChildProcess, onNumber: (number: number) => void = () => {}): Promise<number> {
  let last = -1;
  const closed = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout! })) {
    last = Number(line);
    onNumber(last);
  }
  await closed;
  return last;
}

describe('read store: node:sqlite, with other processes', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => (folder = await temporaryFolder()));
  afterEach(() => folder.remove());

  it('loses nothing acknowledged and keeps documents and positions together over kill -9', async () => {
    let before = -1;
    for (const batches of [1, 40, 7, 90]) {
      const child = start(folder.path, 'crash');
      const until = before + batches;
      const told = await lastTold(child, (number) => number >= until && child.kill('SIGKILL'));
      expect(child.signalCode).to.equal('SIGKILL');

      const store = await openSqliteReadStore({ folder: folder.path, writes: 'here' });
      const position = Number((await store.positions('crash')).get('t/0'));
      expect(position).to.be.at.least(told);
      const documents = await store.get(Array.from({ length: 10 }, (_, i) => `crash:${i}`));
      for (const document of documents) {
        expect(document?.revision).to.equal(position);
        expect(document?.value).to.include({ number: position });
      }
      expect(await store.counters(['crash', 'shared'])).to.deep.equal([(position + 1) * 10, (position + 1) * 10]);
      const members = await store.range('crash', { limit: 20 });
      expect(members.map(({ score }) => score)).to.deep.equal(Array.from({ length: 10 }, () => position));
      await store.close();
      before = position;
    }
  });

  it('is opened and written by several processes and threads at once', async () => {
    const stores = Promise.all(
      (['here', 'thread', 'thread'] as const).map((writes) => openSqliteReadStore({ folder: folder.path, writes })),
    );
    const children = ['one', 'two', 'three'].map((name) => start(folder.path, name, '60'));
    const ended = Promise.all(children.map((child) => lastTold(child)));
    const opened = await stores;
    await Promise.all(
      opened.map(async (store, i) => {
        for (let n = 0; n < 60; n++) {
          await store.apply([{ key: `own:${i}`, revision: n, value: n, counts: [{ counter: 'shared', by: 10 }] }]);
          await store.put(`mark:${i}`, n);
        }
      }),
    );
    expect(await ended).to.deep.equal([59, 59, 59]);
    expect(children.map(({ exitCode }) => exitCode)).to.deep.equal([0, 0, 0]);
    for (const store of opened) {
      expect(await store.counters(['shared', 'one', 'two', 'three'])).to.deep.equal([6 * 600, 600, 600, 600]);
      expect((await store.get(['own:0', 'own:1', 'own:2', 'one:9'])).map((found) => found?.revision)).to.deep.equal([
        59, 59, 59, 59,
      ]);
    }
    await Promise.all(opened.map((store) => store.close()));
  });
});
