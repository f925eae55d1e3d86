import { expect } from 'chai';
import { createStandings } from '#platform/standing/standings.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { someEvent } from '../support/some-event.ts';

interface Count {
  readonly events: number;
}

function openStandings() {
  const store = createMemoryEventStore();
  let passed = 0;
  const readStore = createMemoryReadStore();
  let reads = 0;
  const standings = createStandings<Count>({
    async load(stream) {
      reads++;
      const events = (await store.readStream(stream)).length;
      return events === 0 ? undefined : { standing: { events }, revision: events - 1 };
    },
    readStore,
    now: () => performance.now() + passed,
    keyOf: (stream) => `standing:${stream}`,
    writeOf: (stream, revision, value) => ({ key: `standing:${stream}`, revision, value }),
  });
  return { store, standings, reads: () => reads, pass: (ms: number) => void (passed += ms) };
}

describe('standings', () => {
  it('are folded once from the event store, and then read', async () => {
    const { store, standings, reads } = openStandings();
    await store.append('a', [someEvent(), someEvent()], 'no_stream');
    expect(await standings.get(['a'])).to.deep.equal([{ events: 2 }]);
    expect(await standings.get(['a'])).to.deep.equal([{ events: 2 }]);
    expect(reads()).to.equal(1);
  });

  it('ask the event store once for what is absent, and hold it at once when it is there', async () => {
    const { store, standings, reads } = openStandings();
    expect(await standings.get(['a', 'b'])).to.deep.equal([undefined, undefined]);
    expect(await standings.get(['b', 'a'])).to.deep.equal([undefined, undefined]);
    expect(reads()).to.equal(2);
    await store.append('a', [someEvent()], 'no_stream');
    await standings.refresh('a');
    expect(await standings.get(['a', 'b'])).to.deep.equal([{ events: 1 }, undefined]);
  });

  it('ask again about an absence after a second', async () => {
    const { store, standings, pass } = openStandings();
    expect(await standings.get(['a'])).to.deep.equal([undefined]);
    // Beside the command that would have told it: the read store lost what that wrote.
    await store.append('a', [someEvent()], 'no_stream');
    expect(await standings.get(['a'])).to.deep.equal([undefined]);
    pass(1_100);
    expect(await standings.get(['a'])).to.deep.equal([{ events: 1 }]);
  });
});
