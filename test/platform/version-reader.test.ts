import { expect } from 'chai';
import fc from 'fast-check';
import type { Positions } from '#platform/positions.ts';
import { openVersionDirectory, type KnownVersions, KNOWN_FOR_MS } from '#platform/projection/version-directory.ts';
import { createVersionReader } from '#platform/projection/version-reader.ts';
import { refusal } from '../support/refusal.ts';

const at = (position: number): Positions => new Map([['t/0', BigInt(position)]]);

describe('the version that a process reads', () => {
  let now = 0;
  let versions: KnownVersions;
  let positions: Record<number, number>;
  beforeEach(() => {
    now = 0;
    versions = { live: 1, candidate: null, kept: [] };
    positions = { 1: 0 };
  });
  const open = () =>
    createVersionReader({
      directory: { of: async () => versions, look: async () => versions },
      positionsOf: async (_, version) => at(positions[version] ?? 0),
      now: () => now,
    });

  it('is the live one, from the first read on', async () => {
    versions = { live: 4, candidate: null, kept: [{ version: 3, since: 0 }] };
    expect(await open().choose({ name: 'p' })).to.equal(4);
  });

  it('stays the old one until the new one has all that the old one shows', async () => {
    const reader = open();
    positions = { 1: 10, 2: 9 };
    expect(await reader.choose({ name: 'p' })).to.equal(1);
    versions = { live: 2, candidate: null, kept: [{ version: 1, since: 0 }] };
    expect(await reader.choose({ name: 'p' })).to.equal(1);
    positions[2] = 10;
    expect(await reader.choose({ name: 'p' })).to.equal(2);
  });

  it('is the new one in the end, before the old one is not fed any more', async () => {
    const reader = open();
    positions = { 1: 10, 2: 9 };
    await reader.choose({ name: 'p' });
    versions = { live: 2, candidate: null, kept: [{ version: 1, since: 0 }] };
    expect(await reader.choose({ name: 'p' })).to.equal(1);
    now = 20_001;
    expect(await reader.choose({ name: 'p' })).to.equal(2);
  });

  it('is the new one at once where the old one is gone', async () => {
    const reader = open();
    positions = { 1: 10, 2: 9 };
    await reader.choose({ name: 'p' });
    versions = { live: 2, candidate: null, kept: [] };
    expect(await reader.choose({ name: 'p' })).to.equal(2);
  });

  it('never shows less than was shown before, whatever is fed first', async () => {
    const step = fc.oneof(
      fc.constant('read' as const),
      fc.constant('switch' as const),
      fc.record({ version: fc.constantFrom(1, 2), by: fc.integer({ min: 0, max: 3 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        now = 0;
        versions = { live: 1, candidate: { version: 2 }, kept: [] };
        positions = { 1: 0, 2: 0 };
        const reader = createVersionReader({
          directory: { of: async () => versions, look: async () => versions },
          // Time passes with each look, and the version that is behind comes on.
          positionsOf: async (_, version) => {
            now++;
            positions[version] = Math.max(positions[version] ?? 0, Math.min(...Object.values(positions)) + 1);
            return at(positions[version]);
          },
          now: () => now,
        });
        let shown = 0;
        for (const one of steps) {
          if (one === 'switch') versions = { live: 2, candidate: null, kept: [{ version: 1, since: 0 }] };
          else if (one === 'read') {
            const version = await reader.choose({ name: 'p' });
            expect(positions[version]).to.be.at.least(shown);
            shown = positions[version] ?? 0;
          } else positions[one.version] = (positions[one.version] ?? 0) + one.by;
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('what a process knows of versions', () => {
  const known = (live: number): KnownVersions => ({ live, candidate: null, kept: [] });

  it('is looked at again after a second, or when it is told', async () => {
    let now = 0;
    let looks = 0;
    let tell = () => {};
    const directory = openVersionDirectory({
      load: async () => known(++looks),
      live: {
        subscribe: (_, listener) => {
          tell = () => listener({ sequence: 1, value: {} });
          return () => {};
        },
      },
      now: () => now,
    });
    expect((await directory.of('p')).live).to.equal(1);
    now = 999;
    expect((await directory.of('p')).live).to.equal(1);
    now = 1_000;
    expect((await directory.of('p')).live).to.equal(2);
    tell();
    now = 1_001;
    expect((await directory.of('p')).live).to.equal(3);
  });

  it('is told of no changes once it is closed', async () => {
    const subscribed = new Set<string>();
    const subscribe = (channel: string) => {
      subscribed.add(channel);
      return () => void subscribed.delete(channel);
    };
    const directory = openVersionDirectory({ load: async () => known(1), live: { subscribe } });
    expect(subscribed.size).to.equal(1);
    directory.close();
    expect(subscribed.size).to.equal(0);
  });

  it('is looked at once for all who ask at the same time', async () => {
    let looks = 0;
    const directory = openVersionDirectory({ load: async () => known(++looks), now: () => 0 });
    const all = await Promise.all([1, 2, 3].map(() => directory.of('p')));
    expect(all.map(({ live }) => live)).to.deep.equal([1, 1, 1]);
  });

  it('serves on while the store fails, but not for longer than it is safe', async () => {
    let now = 0;
    let fails = false;
    const directory = openVersionDirectory({
      load: async () => {
        if (fails) throw new Error('no store');
        return known(7);
      },
      now: () => now,
    });
    await directory.of('p');
    fails = true;
    now = KNOWN_FOR_MS;
    expect((await directory.of('p')).live).to.equal(7);
    now = KNOWN_FOR_MS + 1;
    expect((await refusal(Error, directory.of('p'))).message).to.equal('no store');
  });
});
