import { expect } from 'chai';
import { placeOf, SERVERS } from '../chaos/fault.ts';
import { TWO_OF_EACH } from '../chaos/installation.ts';
import { createSchedule, type Round } from '../chaos/schedule.ts';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

function take(seed: number, rounds: number): Round[] {
  const schedule = createSchedule({ seed, services: TWO_OF_EACH });
  return Array.from({ length: rounds }, () => schedule.next().value);
}

const faultsOf = (rounds: readonly Round[]) => rounds.flatMap(({ faults }) => faults.map(({ fault }) => fault));

describe('the schedule of a chaos run', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(take(7, 100)).to.deep.equal(take(7, 100));
    expect(take(7, 10)).to.not.deep.equal(take(8, 10));
  });

  it('kills every server, and every service once, in its first rounds', () => {
    for (const seed of SEEDS) {
      const faults = faultsOf(take(seed, 30));
      const servers = faults.flatMap((fault) => (fault.kind === 'kill server' ? [fault.server] : []));
      const services = faults.flatMap((fault) => (fault.kind === 'kill service' ? [fault.target.split('/')[0]] : []));
      expect(servers, `seed ${seed}`).to.include.members([...SERVERS]);
      expect(services, `seed ${seed}`).to.include.members(Object.keys(TWO_OF_EACH));
    }
  });

  it('has every kind of fault', () => {
    const kinds = new Set(faultsOf(take(1, 100)).map(({ kind }) => kind));
    expect([...kinds].toSorted()).to.deep.equal([
      'cut',
      'cut subscriptions',
      'event store',
      'freeze service',
      'kill server',
      'kill service',
      'part',
      'rebuild',
      'refuse document',
      'slow',
      'stall',
      'stop service',
    ]);
  });

  it('does one to three things at a time, none of them to the same', () => {
    for (const seed of SEEDS)
      for (const { faults } of take(seed, 60)) {
        expect(faults.length).to.be.within(1, 3);
        expect(new Set(faults.map(({ fault }) => placeOf(fault))).size).to.equal(faults.length);
      }
  });
});
