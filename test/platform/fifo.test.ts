import { expect } from 'chai';
import fc from 'fast-check';
import { createFifo } from '../../platform/fifo.ts';

describe('a queue, first in, first out', () => {
  it('is an array that is pushed to and taken from its head', () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 1, max: 3_000 }) }),
      fc.record({ take: fc.integer({ min: 0, max: 5_000 }) }),
      fc.constant({ first: true }),
      fc.record({ drop: fc.integer({ min: 2, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const queue = createFifo<number>();
        let model: number[] = [];
        let next = 0;
        for (const one of steps) {
          if ('push' in one) {
            for (let count = 0; count < one.push; count++) {
              queue.push(next);
              model.push(next++);
            }
          } else if ('take' in one) {
            expect(queue.take(one.take)).to.deep.equal(model.splice(0, one.take));
          } else if ('first' in one) {
            expect(queue.first).to.equal(model.shift());
            queue.drop();
          } else {
            queue.keep((item) => item % one.drop !== 0);
            model = model.filter((item) => item % one.drop !== 0);
          }
          expect(queue.size).to.equal(model.length);
        }
        expect([...queue]).to.deep.equal(model);
      }),
      { numRuns: 50 },
    );
  });
});
