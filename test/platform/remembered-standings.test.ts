import { expect } from 'chai';
import { createRememberedStandings } from '#platform/standing/remembered-standings.ts';
import type { Standings } from '#platform/standing/standings.ts';

/** Standings whose reads end when the test says so. */
function heldStandings() {
  const values = new Map<string, string>();
  const reads: { readonly streams: readonly string[]; readonly end: () => void }[] = [];
  const inner: Standings<string> = {
    get: (streams) => {
      const seen = streams.map((stream) => values.get(stream));
      return new Promise((resolve) => reads.push({ streams, end: () => resolve(seen) }));
    },
    refresh: (stream) => {
      const standing = values.get(stream);
      return Promise.resolve(standing === undefined ? undefined : { standing, revision: 0 });
    },
  };
  return { values, reads, inner };
}

describe('remembered standings', () => {
  it('are read once, absent ones too', async () => {
    const { values, reads, inner } = heldStandings();
    values.set('a', 'one');
    const standings = createRememberedStandings(inner);
    const first = standings.get(['a', 'b']);
    reads[0]?.end();
    expect(await first).to.deep.equal(['one', undefined]);
    expect(await standings.get(['b', 'a'])).to.deep.equal([undefined, 'one']);
    expect(reads).to.have.length(1);
  });

  it('read only what is missing, and answer in order', async () => {
    const { values, reads, inner } = heldStandings();
    ['a', 'b', 'c'].forEach((stream) => values.set(stream, stream.toUpperCase()));
    const standings = createRememberedStandings(inner);
    const first = standings.get(['b']);
    reads[0]?.end();
    await first;
    const all = standings.get(['a', 'b', 'c']);
    expect(reads[1]?.streams).to.deep.equal(['a', 'c']);
    reads[1]?.end();
    expect(await all).to.deep.equal(['A', 'B', 'C']);
  });

  it('hold a change at once', async () => {
    const { values, reads, inner } = heldStandings();
    const standings = createRememberedStandings(inner);
    values.set('a', 'active');
    const first = standings.get(['a']);
    reads[0]?.end();
    await first;
    values.set('a', 'revoked');
    await standings.refresh('a');
    expect(await standings.get(['a'])).to.deep.equal(['revoked']);
  });

  it('never remember a read that began before a change', async () => {
    const { values, reads, inner } = heldStandings();
    const standings = createRememberedStandings(inner);
    values.set('a', 'active');
    const slow = standings.get(['a']);
    values.set('a', 'revoked');
    await standings.refresh('a');
    reads[0]?.end();
    await slow;
    expect(await standings.get(['a'])).to.deep.equal(['revoked']);
  });

  it('never remember what a refresh read before a later one', async () => {
    const values = new Map([['a', 'active']]);
    const refreshes: (() => void)[] = [];
    const inner: Standings<string> = {
      get: (streams) => Promise.resolve(streams.map((stream) => values.get(stream))),
      refresh(stream) {
        const standing = values.get(stream) ?? '';
        return new Promise((resolve) => refreshes.push(() => resolve({ standing, revision: 0 })));
      },
    };
    const standings = createRememberedStandings(inner);
    const slow = standings.refresh('a');
    values.set('a', 'revoked');
    const later = standings.refresh('a');
    refreshes[1]?.();
    await later;
    refreshes[0]?.();
    await slow;
    expect(await standings.get(['a'])).to.deep.equal(['revoked']);
  });
});
