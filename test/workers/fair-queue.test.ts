import { expect } from 'chai';
import fc from 'fast-check';
import { createFairQueue } from '../../workers/inference/fair-queue.ts';

const item = (tenantId: string, batchKey: string, n: number) => ({ tenantId, batchKey, n });

describe('fair queue', () => {
  it('serves a tenant with one request before the thousandth of another', () => {
    const queue = createFairQueue<ReturnType<typeof item>>();
    for (let n = 0; n < 1_000; n++) queue.push(item('loud', 'p', n));
    queue.push(item('quiet', 'p', 0));
    expect(queue.take(2).map(({ tenantId }) => tenantId)).to.deep.equal(['loud', 'quiet']);
  });

  it('does not let many parameter sets of one tenant delay another', () => {
    const queue = createFairQueue<ReturnType<typeof item>>();
    for (let n = 0; n < 100; n++) queue.push(item('loud', `seed-${n}`, n));
    queue.push(item('quiet', 'p', 0));
    queue.take(8);
    expect(queue.take(8)[0]?.tenantId).to.equal('quiet');
  });

  it('loses nothing, mixes no parameters, keeps each lane in order', () => {
    const submissions = fc.array(
      fc.record({ tenantId: fc.constantFrom('a', 'b', 'c'), batchKey: fc.constantFrom('x', 'y') }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(submissions, fc.integer({ min: 1, max: 9 }), (given, max) => {
        const queue = createFairQueue<ReturnType<typeof item>>();
        const pushed = given.map(({ tenantId, batchKey }, n) => item(tenantId, batchKey, n));
        pushed.forEach((one) => queue.push(one));
        const taken: ReturnType<typeof item>[] = [];
        while (queue.size() > 0) {
          const batch = queue.take(max);
          expect(batch.length).to.be.within(1, max);
          expect(new Set(batch.map(({ batchKey }) => batchKey)).size).to.equal(1);
          taken.push(...batch);
        }
        expect(queue.take(max)).to.deep.equal([]);
        expect(taken.map(({ n }) => n).toSorted((a, b) => a - b)).to.deep.equal(pushed.map(({ n }) => n));
        for (const { tenantId, batchKey } of pushed) {
          const lane = taken.filter((one) => one.tenantId === tenantId && one.batchKey === batchKey).map(({ n }) => n);
          expect(lane).to.deep.equal(lane.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});
