import { expect } from 'chai';
import { createStreamPace } from '#platform/http/stream-pace.ts';

/** Keeps the thread. */
function spin(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

describe('the pace of streams', () => {
  it('does what is asked in order, and answers or fails as it does', async () => {
    const pace = createStreamPace();
    const done: number[] = [];
    const all = Array.from({ length: 200 }, (_, n) =>
      pace.run(() => {
        if (n === 100) throw new Error('not this one');
        return done.push(n);
      }),
    );
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.filter(({ status }) => status === 'rejected')).to.have.length(1);
    expect(done).to.deep.equal(Array.from({ length: 200 }, (_, n) => n).filter((n) => n !== 100));
  });

  it('leaves most of the thread to others, however much there is to do', async () => {
    const pace = createStreamPace();
    let working = 0;
    const closing = new AbortController();
    const stream = async () => {
      while (!closing.signal.aborted)
        await pace.run(() => {
          const begun = performance.now();
          spin(1);
          working += performance.now() - begun;
        });
    };
    const begun = performance.now();
    const streams = Array.from({ length: 100 }, stream);
    while (performance.now() - begun < 500) await new Promise((resolve) => setImmediate(resolve));
    const share = working / (performance.now() - begun);
    closing.abort();
    await Promise.all(streams);
    expect(share).to.be.within(0.02, 0.25);
  });

  it('keeps nobody waiting while there is little to do', async () => {
    const pace = createStreamPace();
    const waits: number[] = [];
    for (let n = 0; n < 50; n++) {
      const begun = performance.now();
      await pace.run(() => undefined);
      waits.push(performance.now() - begun);
    }
    expect(waits.toSorted((a, b) => a - b)[25]).to.be.below(10);
  });
});
