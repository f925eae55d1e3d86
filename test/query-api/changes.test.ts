import { expect } from 'chai';
import fc from 'fast-check';
import { changesBetween } from '../../query-api/replay/changes.ts';
import { applyChanges } from '../support/apply-changes.ts';

describe('the changes between two values', () => {
  it('name each member by a pointer, with what was and what is there', () => {
    const before = { name: 'a', scopes: ['x', 'y'], limits: { perMinute: 1 }, old: null };
    const after = { name: 'b', scopes: ['x'], limits: { perMinute: 1 }, 'a/b~c': true };
    expect(changesBetween(before, after)).to.deep.equal([
      { path: '/name', op: 'changed', from: 'a', to: 'b' },
      { path: '/scopes/1', op: 'removed', from: 'y' },
      { path: '/old', op: 'removed', from: null },
      { path: '/a~1b~0c', op: 'added', to: true },
    ]);
  });

  it('are none between equals, and the whole where there was nothing, or is nothing more', () => {
    expect(changesBetween({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).to.deep.equal([]);
    expect(changesBetween(null, null)).to.deep.equal([]);
    expect(changesBetween(null, { a: 1 })).to.deep.equal([{ path: '', op: 'added', to: { a: 1 } }]);
    expect(changesBetween({ a: 1 }, null)).to.deep.equal([{ path: '', op: 'removed', from: { a: 1 } }]);
  });

  it('tell a list from an object, null from nothing, and members called like those of every object', () => {
    expect(changesBetween({ a: [] }, { a: {} })).to.deep.equal([{ path: '/a', op: 'changed', from: [], to: {} }]);
    expect(changesBetween({ a: null }, {})).to.deep.equal([{ path: '/a', op: 'removed', from: null }]);
    expect(changesBetween({ constructor: 1 }, {})).to.deep.equal([{ path: '/constructor', op: 'removed', from: 1 }]);
  });

  it('make the later value of the earlier', () => {
    const value = fc.jsonValue({ maxDepth: 4 }).map((one) => JSON.parse(JSON.stringify(one)) as unknown);
    fc.assert(
      fc.property(value, value, (from, to) => {
        expect(applyChanges(from, changesBetween(from, to))).to.deep.equal(to);
      }),
      { numRuns: 1_000 },
    );
  });
});
