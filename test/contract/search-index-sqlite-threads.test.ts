// What reads of the node:sqlite search index owe to one another where they have threads of their own.

import { expect } from 'chai';
import {
  type IndexDefinition,
  idOfNumber,
  type SearchQuery,
  SearchTimedOut,
} from '#platform/search-index/search-index.ts';
import { openSqliteSearchIndex } from '#platform/search-index/sqlite-search-index.ts';
import { refusal } from '../support/refusal.ts';
import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';

const ROWS = 60_000;
const definition: IndexDefinition = {
  name: 'log',
  fields: { tenant: 'code', author: 'keyword', number: 'number', words: 'text' },
  sortBy: 'number',
  partitionBy: 'tenant',
  numbered: true,
};
const newest: SearchQuery = { partition: 'acme', order: 'descending', limit: 10 };
/** Found by nothing but a look at all of them. */
const rare: SearchQuery = { ...newest, conditions: [{ field: 'author', in: ['somebody'] }] };

describe('search index: the threads of node:sqlite', () => {
  let under: Awaited<ReturnType<typeof openTemporarySearchIndex>>;
  before(async function () {
    this.timeout(30_000);
    under = await openTemporarySearchIndex('thread');
    await under.index.define(definition);
    for (let from = 0; from < ROWS; from += 1_000) {
      const numbers = Array.from({ length: 1_000 }, (_, n) => from + n);
      await under.index.apply(
        'log',
        numbers.map((number) => ({
          id: idOfNumber(number),
          revision: 0,
          fields: { tenant: 'acme', number, author: number === 3 ? 'somebody' : 'nobody', words: `w${number}` },
        })),
      );
    }
  });
  after(() => under.close());

  it('let plain reads go before all that look at many rows', async () => {
    const { index } = under;
    // The first of its form finds out that it looks at many.
    expect((await index.search('log', rare)).map(({ sort }) => sort)).to.deep.equal([3]);
    const done: string[] = [];
    const slow = Array.from({ length: 12 }, async (_, n) => {
      if (n % 2) await index.search('log', rare);
      else await index.aggregate('log', 'author', { partition: 'acme' });
      done.push('slow');
    });
    for (let n = 0; n < 5; n++) {
      expect((await index.search('log', newest)).length).to.equal(10);
      done.push('plain');
    }
    await Promise.all(slow);
    expect(done.indexOf('plain')).to.be.lessThan(2);
    expect(done.lastIndexOf('plain')).to.be.lessThan(done.length - 4);
  });

  it('answer slow reads in turn, and each by its deadline', async () => {
    const hasty = await openSqliteSearchIndex({ folder: under.path, reads: 'thread', searchWithinMs: 25 });
    try {
      const asked = Array.from({ length: 60 }, () => hasty.aggregate('log', 'author', { partition: 'acme' }));
      const outcomes = await Promise.allSettled(asked);
      const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      expect(reasons.length).to.be.greaterThan(20);
      for (const reason of reasons) expect(reason).to.be.instanceOf(SearchTimedOut);
    } finally {
      await hasty.close();
    }
    const buckets = await under.index.aggregate('log', 'author', { partition: 'acme' });
    expect(buckets).to.deep.equal([
      { value: 'nobody', count: ROWS - 1 },
      { value: 'somebody', count: 1 },
    ]);
  });

  it('are closed once, whatever was opened of them', async () => {
    const one = await openSqliteSearchIndex({ folder: under.path, reads: 'thread' });
    await one.aggregate('log', 'author', { partition: 'acme', text: { field: 'words', words: ['w7'] } });
    await one.close();
    await refusal(Error, one.aggregate('log', 'author', { partition: 'acme' }));
    await refusal(Error, one.search('log', newest));
  });
});
