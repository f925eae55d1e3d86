import { expect } from 'chai';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { takeTurn } from '#platform/read-store/turns.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { openTemporaryReadStore } from '../support/sqlite-read-models.ts';

const FAST = { renewMs: 10, lapseMs: 100 };

describe('a turn', () => {
  let store: ReadStore;
  let close: () => Promise<void>;
  const log = createQuietLog();
  const signal = new AbortController().signal;
  beforeEach(async () => {
    const opened = await openTemporaryReadStore('here');
    store = opened.store;
    close = () => opened.close();
  });
  afterEach(() => close());
  const take = (of: Pick<ReadStore, 'get' | 'apply'> = store, until = signal) =>
    takeTurn({ store: of, what: 'work', log, ...FAST }, until);

  it('is taken by one of many who ask at once, and by the next when it ends', async () => {
    let holding = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const turn = await take();
        most = Math.max(most, ++holding);
        await new Promise((resolve) => setTimeout(resolve, 40));
        expect(turn?.lost.aborted).to.equal(false);
        holding--;
        await turn?.end();
      }),
    );
    expect(most).to.equal(1);
  });

  it('stays with who renews it', async () => {
    const turn = await take();
    const waiting = new AbortController();
    const second = take(store, waiting.signal);
    await new Promise((resolve) => setTimeout(resolve, 3 * FAST.lapseMs));
    expect(turn?.lost.aborted).to.equal(false);
    waiting.abort();
    expect(await second).to.equal(undefined);
    await turn?.end();
  });

  it('goes to another when its holder is gone, who learns of it', async () => {
    let gone = false;
    const cut = {
      get: (keys: readonly string[]) => (gone ? new Promise<never>(() => {}) : store.get(keys)),
      apply: (...args: Parameters<ReadStore['apply']>) =>
        gone ? Promise.reject(new Error('cut off')) : store.apply(...args),
    };
    const first = await take(cut);
    gone = true;
    const second = await take();
    expect(second?.lost.aborted).to.equal(false);
    await eventually(() => expect(first?.lost.aborted).to.equal(true));
    gone = false;
    await second?.end();
  });
});
