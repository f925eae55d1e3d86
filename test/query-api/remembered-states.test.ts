import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { createRememberedStates } from '../../query-api/replay/remembered-states.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';

const then = (stream: string, revision: number, length = 10_000) => ({
  state: { text: 'x'.repeat(length) },
  event: recorded(createEvent('TenantRenamed', { name: 'n' }, ORIGIN), stream, revision),
});
/** Only each sixteenth is remembered. */
const REVISIONS = [15, 31, 47, 63];

describe('remembered states', () => {
  it('are the latest of those that are wanted, every few events', () => {
    const states = createRememberedStates();
    for (let revision = 0; revision < 70; revision++) states.note('a', then('a', revision));
    const upTo = (last: number) => states.find('a', ({ event }) => event.revision <= last)?.event.revision;
    expect([14, 15, 30, 31, 69].map(upTo)).to.deep.equal([undefined, 15, 15, 31, 63]);
    expect(states.find('b', () => true)).to.equal(undefined);
    states.forget('a');
    expect(upTo(69)).to.equal(undefined);
  });

  it('are bounded by their size: those that nobody asked for longest go first', () => {
    // Of some 21,000 bytes each.
    const states = createRememberedStates(100_000);
    const has = (stream: string) => states.find(stream, () => true) !== undefined;
    for (const stream of ['a', 'b', 'c', 'd']) states.note(stream, then(stream, 15));
    expect(has('a')).to.equal(true);
    states.note('e', then('e', 15));
    expect(['a', 'b', 'c', 'd', 'e'].map(has)).to.deep.equal([true, false, true, true, true]);
    for (const revision of REVISIONS) states.note('f', then('f', revision));
    expect(['a', 'c', 'd', 'e', 'f'].map(has)).to.deep.equal([false, false, false, false, true]);
    states.note('g', then('g', 15, 200_000));
    expect(['f', 'g'].map(has)).to.deep.equal([true, false]);
  });
});
