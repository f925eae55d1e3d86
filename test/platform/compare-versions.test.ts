import { expect } from 'chai';
import { compareDocuments, compareIndices } from '#platform/projection/compare-versions.ts';
import { versionDocuments } from '#platform/projection/versions.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';

const signal = new AbortController().signal;
const patienceMs = 60;

describe('comparing two versions of a read model', () => {
  const store = () => createMemoryReadStore(() => 0);
  const versions = (of: ReturnType<typeof store>) =>
    [versionDocuments(of, 'p', 1), versionDocuments(of, 'p', 2)] as const;
  const documents = (from: number, count: number, revision = 0) =>
    Array.from({ length: count }, (_, n) => ({ key: `k${from + n}`, revision, value: { n: from + n, b: 1 } }));

  it('finds equal documents equal, whatever the order of their members, and sums them up', async () => {
    const [live, next] = versions(store());
    await live.apply(documents(0, 1_200));
    await next.apply(documents(0, 1_200).map((one) => ({ ...one, value: { b: 1, n: one.value.n } })));
    const found = await compareDocuments(live, next, { signal });
    expect(found).to.include({ documents: 1_200, different: 0 });
    expect(found.checksum).to.match(/^[\da-f]{16}$/);
    expect(await compareDocuments(live, next, { signal })).to.deep.equal(found);
    await next.apply([{ key: 'k5', revision: 1, value: {} }]);
    await live.apply([{ key: 'k5', revision: 1, value: {} }]);
    expect((await compareDocuments(live, next, { signal })).checksum).not.to.equal(found.checksum);
  });

  it('names what differs at the same revision, and what only one of them has, after a while', async () => {
    const [live, next] = versions(store());
    await live.apply([...documents(0, 20), { key: 'only-live', revision: 0, value: 1 }]);
    await next.apply([
      ...documents(0, 20).map((one) => (one.key === 'k3' ? { ...one, value: { n: -1 } } : one)),
      { key: 'only-next', revision: 0, value: null },
    ]);
    const found = await compareDocuments(live, next, { signal, patienceMs });
    expect(found).to.include({ documents: 22, different: 3 });
    expect(found.examples).to.have.members(['k3', 'only-live', 'only-next']);
  });

  it('looks again at a document that is further in one of them', async () => {
    const [live, next] = versions(store());
    await live.apply([...documents(0, 5), { key: 'ahead', revision: 4, value: 4 }]);
    await next.apply([...documents(0, 5), { key: 'ahead', revision: 2, value: 2 }]);
    setTimeout(() => void next.apply([{ key: 'ahead', revision: 4, value: 4 }]), 50);
    expect(await compareDocuments(live, next, { signal })).to.include({ documents: 6, different: 0 });
  });

  it('does not wait for what is parked', async () => {
    const [live, next] = versions(store());
    await live.apply([{ key: 'stands', revision: 1, value: 1 }]);
    await next.apply([{ key: 'stands', revision: 4, value: 4 }]);
    const began = performance.now();
    const found = await compareDocuments(live, next, { signal, parked: new Set(['stands']) });
    expect(found).to.deep.include({ documents: 1, different: 1, examples: ['stands'] });
    expect(performance.now() - began).to.be.lessThan(1_000);
  });

  it('compares indices, page by page', async () => {
    const opened = await openTemporarySearchIndex('here');
    const { index } = opened;
    try {
      const fields = { tenant: 'keyword', at: 'number', words: 'text' } as const;
      for (const name of ['p-1', 'p-2']) await index.define({ name, fields, sortBy: 'at', partitionBy: 'tenant' });
      const row = (n: number, more = {}) => ({
        id: `r${String(n).padStart(5, '0')}`,
        revision: 0,
        fields: { tenant: 'acme', at: n, words: `w${n}`, ...more },
      });
      const rows = Array.from({ length: 1_300 }, (_, n) => row(n));
      await index.apply('p-1', rows);
      await index.apply('p-2', rows);
      expect(await compareIndices(index, 'p-1', 'p-2', { signal })).to.include({ documents: 1_300, different: 0 });
      await index.apply('p-1', [
        row(2_000),
        { ...row(7, { words: 'other' }), revision: 1 },
        { ...row(600), revision: 1 },
      ]);
      await index.apply('p-2', [row(3_000), { ...row(7, { words: 'another' }), revision: 1 }]);
      setTimeout(() => void index.apply('p-2', [{ ...row(600), revision: 1 }]), 30);
      const found = await compareIndices(index, 'p-1', 'p-2', { signal, patienceMs: 400 });
      expect(found.examples).to.have.members(['r00007', 'r02000', 'r03000']);
      expect(found).to.include({ documents: 1_302, different: 3 });
    } finally {
      await opened.close();
    }
  });
});
