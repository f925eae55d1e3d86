import { expect } from 'chai';
import fc from 'fast-check';
import { mostWaiting, refusalOf, shareOf } from '../../command-api/fair-share.ts';
import { createWaitingCounts } from '../../command-api/waiting-counts.ts';

const MODEL = 'platform/one';
const TENANTS = ['a', 'b', 'c', 'd'] as const;
type Tenant = (typeof TENANTS)[number];

/** A queue that tenants ask for places in, and leave. */
function createQueue(length: number) {
  const counts = createWaitingCounts();
  return {
    waiting: (tenant: string) => counts.inAll(tenant),
    ask(tenant: string) {
      const refusal = refusalOf(counts.inAll(tenant), length);
      if (refusal === undefined) counts.add(tenant, MODEL, 1);
      return refusal;
    },
    leave(tenant: string) {
      if (counts.inAll(tenant).own > 0) counts.add(tenant, MODEL, -1);
    },
  };
}

const steps = fc.array(
  fc.record({ does: fc.constantFrom('ask', 'ask', 'ask', 'leave'), tenant: fc.constantFrom(...TENANTS) }),
  { maxLength: 200 },
);
const lengths = fc.integer({ min: 1, max: 40 });

describe('a queue shared by tenants', () => {
  it('is all of the one that is alone', () => {
    fc.assert(
      fc.property(lengths, (length) => {
        const queue = createQueue(length);
        for (let n = 0; n < length; n++) expect(queue.ask('a')).to.equal(undefined);
        expect(queue.ask('a')).to.equal('above-share');
      }),
    );
  });

  it('has a place for whoever has none, gives no more than a share once others wait and half is taken, and has an end', () => {
    fc.assert(
      fc.property(lengths, steps, (length, all) => {
        const queue = createQueue(length);
        for (const { does, tenant } of all) {
          if (does === 'leave') queue.leave(tenant);
          else {
            const before = queue.waiting(tenant);
            const share = shareOf(before, length);
            const refusal = queue.ask(tenant);
            if (before.own === 0 || before.total < length / 2) expect(refusal).to.equal(undefined);
            else if (before.own >= share) expect(refusal).to.equal('above-share');
            else expect(refusal).to.equal(before.total < mostWaiting(length) ? undefined : 'full');
          }
          const { total } = queue.waiting(tenant);
          expect(total).to.equal(TENANTS.reduce((sum, one) => sum + queue.waiting(one).own, 0));
          expect(total).to.be.at.most(mostWaiting(length) + TENANTS.length);
        }
      }),
    );
  });

  it('keeps nobody from a share, whatever one tenant had before the others came', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 500 }), (length, flood) => {
        const queue = createQueue(length);
        for (let n = 0; n < flood; n++) queue.ask('a');
        for (let n = 0; n < length; n++) queue.ask('b');
        expect(queue.waiting('b').own).to.equal(Math.max(1, Math.floor(length / 2)));
        expect(queue.ask('c')).to.equal(undefined);
      }),
    );
  });

  it('refuses nobody a burst while many others have little to do', () => {
    const queue = createQueue(1_000);
    for (let n = 0; n < 200; n++) queue.ask(`quiet-${n}`);
    for (let n = 0; n < 300; n++) expect(queue.ask('busy')).to.equal(undefined);
    expect(queue.ask('busy')).to.equal('above-share');
  });

  it('comes to equal shares while all ask for more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 40 }),
        fc.shuffledSubarray([...TENANTS], { minLength: 2 }),
        (length, all) => {
          const queue = createQueue(length);
          for (let n = 0; n < length; n++) queue.ask(all[0]!);
          // Each round ends one of each tenant, as a fair worker does, and each asks for two.
          for (let round = 0; round < 3 * length; round++)
            for (const tenant of all) {
              queue.leave(tenant);
              queue.ask(tenant);
              queue.ask(tenant);
            }
          const owns = all.map((tenant: Tenant) => queue.waiting(tenant).own);
          expect(new Set(owns)).to.deep.equal(new Set([Math.floor(length / all.length)]));
        },
      ),
    );
  });
});

describe('counts of what waits', () => {
  it('tell for each tenant its own, and how many others there are, in all and for each model', () => {
    const counts = createWaitingCounts();
    counts.add('a', 'x', 3);
    counts.add('b', 'x', 1);
    counts.add('b', 'y', 2);
    expect(counts.inAll('a')).to.deep.equal({ total: 6, own: 3, others: 1 });
    expect(counts.inAll('c')).to.deep.equal({ total: 6, own: 0, others: 2 });
    expect(counts.forModel('a', 'y')).to.deep.equal({ total: 2, own: 0, others: 1 });
    counts.add('b', 'y', -2);
    expect(counts.forModel('b', 'y')).to.deep.equal({ total: 0, own: 0, others: 0 });
    expect(counts.forModel('b', 'absent')).to.deep.equal({ total: 0, own: 0, others: 0 });
  });
});
