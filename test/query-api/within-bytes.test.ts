import { expect } from 'chai';
import { withinBytes } from '../../query-api/within-bytes.ts';

describe('what one answer holds', () => {
  it('is all of it, or as many as fit, and at least one', () => {
    // Each is eight bytes of JSON, of which an é is two.
    const views = ['aaaaaa', 'bbbbbb', 'éécc', 'dddddd'];
    expect(withinBytes(views, 32)).to.deep.equal(views);
    expect(withinBytes(views, 31)).to.deep.equal(views.slice(0, 3));
    expect(withinBytes(views, 23)).to.deep.equal(views.slice(0, 2));
    expect(withinBytes(views, 1)).to.deep.equal(views.slice(0, 1));
    expect(withinBytes([], 1)).to.deep.equal([]);
  });
});
