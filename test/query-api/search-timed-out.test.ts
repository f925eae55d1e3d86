import { expect } from 'chai';
import type { Caller } from '#platform/http/route.ts';
import { Problem } from '#platform/http/problem.ts';
import { SearchTimedOut } from '#platform/search-index/search-index.ts';
import { inferencesReadModel } from '../../projectors/inferences/read-model.ts';
import { createFreshness, type FreshnessPorts } from '../../query-api/freshness.ts';
import { refusal } from '../support/refusal.ts';

const versions = { live: 1, candidate: null, kept: [] };

/** Of a search index that answers each search with this error. */
async function indexThatRejects(reason: Error) {
  const rejecting = async () => {
    throw reason;
  };
  const fresh = createFreshness({
    directory: { of: async () => versions, look: async () => versions },
    searchIndex: { define: async () => undefined, search: rejecting, aggregate: rejecting, histogram: rejecting },
  } as unknown as FreshnessPorts);
  return fresh.of(inferencesReadModel, { caller: { tenantId: 'acme' } as Caller, consistencyToken: undefined });
}

const page = { partition: 'acme', order: 'descending', limit: 1 } as const;

const counts = { partition: 'acme', from: 0, to: 1, width: 1 };

describe('a search that is given up', () => {
  it('is a problem of its own, which says how to ask for less', async () => {
    const index = await indexThatRejects(new SearchTimedOut('too long'));
    for (const asked of [
      () => index.search(page),
      () => index.aggregate('status', page),
      () => index.histogram(counts),
    ]) {
      const problem = await refusal(Problem, asked());
      expect(problem).to.deep.include({ code: 'search-timed-out', status: 503 });
      expect(problem.detail).to.include('a range of time').and.to.include('a model');
      expect(problem.headers).to.have.property('retry-after');
    }
  });

  it('is no excuse for other errors', async () => {
    const fault = new Error('disk I/O error');
    const index = await indexThatRejects(fault);
    expect(await refusal(Error, index.search(page))).to.equal(fault);
  });
});
