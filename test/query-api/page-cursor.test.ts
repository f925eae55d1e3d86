import { expect } from 'chai';
import { Problem } from '#platform/http/problem.ts';
import { readCursor, writeCursor } from '../../query-api/page-cursor.ts';

const END = { sort: 1_785_576_600_000, id: 'apikey-1' };

const refused = (text: string, list = 'keys of acme') => {
  try {
    readCursor(list, text, 'before');
  } catch (error) {
    return error instanceof Problem ? error.errors : error;
  }
  return undefined;
};

describe('the cursor of a list', () => {
  it('says where a page of that list ended', () => {
    expect(readCursor('keys of acme', writeCursor('keys of acme', END))).to.deep.equal(END);
    expect(readCursor('keys of acme', undefined)).to.equal(undefined);
  });

  it('is none of another list, and nor is what no list gave', () => {
    const fault = [{ in: 'query', pointer: '/before', message: 'is not a `previous` that this list gave' }];
    expect(refused(writeCursor('keys of acme', END), 'keys of other')).to.deep.equal(fault);
    for (const forged of ['[0,"x"]', '[0,"x",""]', '["0","x","y"]', '{}', ''])
      expect(refused(Buffer.from(forged).toString('base64url')), forged).to.deep.equal(fault);
  });
});
