import { expect } from 'chai';
import type { LastRun } from '../../workers/inference/attempts.ts';
import { openClaimedAttempts } from '../../workers/inference/claimed-attempts.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const attemptOf = (last: LastRun) => ('attempt' in last ? last.attempt : 'later');

describe('claims of inference workers', () => {
  const readStore = createMemoryReadStore();
  const log = createQuietLog();
  const signal = new AbortController().signal;
  let clock = 0;
  const open = (worker: string) => openClaimedAttempts({ readStore, worker, log, signal, now: () => clock });

  it('of a worker that lives make another wait, until it is done', async () => {
    const [one, two] = [await open('a'), await open('b')];
    expect(attemptOf(await two.last('x'))).to.equal(0);
    await one.record('x', 1);
    expect(attemptOf(await one.last('x'))).to.equal(1);
    const last = await two.last('x');
    expect(attemptOf(last)).to.equal('later');
    one.forget('x');
    expect('later' in last && (await last.later)).to.equal(0);
    await Promise.all([one.close(), two.close()]);
  });

  it('of a worker that died count as an attempt', async () => {
    const one = await open('c');
    await one.record('y', 2);
    await one.close(); // its beat stands still
    const two = await open('d');
    const last = await two.last('y');
    expect(attemptOf(last)).to.equal('later');
    clock += 5_000;
    expect('later' in last && (await last.later)).to.equal(2);
    await two.record('y', 3);
    expect(attemptOf(await two.last('y'))).to.equal(3);
    await two.close();
  });

  it('that a worker took back when it stopped count for nothing', async () => {
    const one = await open('e');
    await one.record('z', 1);
    await one.record('z', 0);
    const two = await open('f');
    expect(attemptOf(await two.last('z'))).to.equal(0);
    await Promise.all([one.close(), two.close()]);
  });

  it('of a worker of which no beat is left count as an attempt at once', async () => {
    await readStore.put('attempts:inference:w', { worker: 'long-gone', attempt: 1 });
    const one = await open('g');
    expect(attemptOf(await one.last('w'))).to.equal(1);
    await one.close();
  });
});
