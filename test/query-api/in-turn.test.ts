import { expect } from 'chai';
import { inTurn } from '../../query-api/in-turn.ts';

const busyFor = (milliseconds: number) => {
  for (const began = performance.now(); performance.now() - began < milliseconds;);
};

describe('work in turn', () => {
  it('is answered in its order, whether it is waited for or not', async () => {
    const work = (n: number) => (n % 2 === 0 ? n : new Promise<number>((resolve) => setImmediate(resolve, n)));
    const all = Array.from({ length: 200 }, (_, n) => n);
    expect(await inTurn(all, work)).to.deep.equal(all);
    expect(await inTurn([], work)).to.deep.equal([]);
  });

  it('leaves the loop to others about every millisecond, however many ask at once', async () => {
    let rounds = 0;
    let isDone = false;
    const count = () => {
      rounds++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const asking = Array.from({ length: 4 }, () => inTurn(Array.from({ length: 20 }), () => busyFor(2)));
    await Promise.all(asking);
    isDone = true;
    // 80 pieces of 2 ms, of which each round does one.
    expect(rounds).to.be.greaterThan(60);
  });

  it('rejects with what goes wrong', async () => {
    const wrong = inTurn([1, 2, 3], async (n) => {
      if (n === 2) throw new Error('two');
      return n;
    });
    expect(await wrong.catch((error: Error) => error.message)).to.equal('two');
  });
});
